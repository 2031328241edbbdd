import CImageCodecs
import Imaging

/// WebP by libwebp: lossy and lossless, the first image of an animation; alpha is dropped.
struct WebPCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        let features = try Self.features(bytes)
        let chunks = WebPChunks(bytes)
        let size = try limits.check(width: Int(features.width), height: Int(features.height))
        // A lossless image is decoded into four bytes per pixel. The opacity channel that accompanies a lossy image is
        // coded in the same way, and is then reduced to one byte per pixel. Animations contain either kind.
        let isPlain = features.format == 1 && features.has_alpha == 0
        let each = isPlain ? 0 : features.format == 2 ? 4 : 5
        return ImageHeader(size: size, orientation: chunks.orientation, workingMemory: each * size.area)
    }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, minimumSize: ImageSize
    ) throws(ImageCodecError) -> RasterImage {
        let features = try Self.features(bytes)
        guard features.has_animation != 0 else {
            return RasterImage(size: header.size, pixels: try Self.pixels(of: bytes, size: header.size))
        }
        guard let frame = WebPChunks(bytes).firstFrame else { throw .corrupt("its first image cannot be found") }
        let found = try Self.features(frame.data)
        guard Int(found.width) == frame.width, Int(found.height) == frame.height, found.has_animation == 0,
            frame.left + frame.width <= header.size.width, frame.top + frame.height <= header.size.height
        else { throw .corrupt("its first image reaches over its edge") }
        let frameSize = ImageSize(width: frame.width, height: frame.height)
        let pixels = try Self.pixels(of: frame.data, size: frameSize)
        guard frameSize != header.size else { return RasterImage(size: header.size, pixels: pixels) }
        var image = RasterImage(size: header.size, color: .black)
        for y in 0..<frame.height {
            let from = 3 * y * frame.width, to = 3 * ((frame.top + y) * header.size.width + frame.left)
            image.pixels.replaceSubrange(to..<to + 3 * frame.width, with: pixels[from..<from + 3 * frame.width])
        }
        return image
    }

    func encode(_ image: RasterImage, quality: Int) throws(ImageCodecError) -> [UInt8] {
        guard let width = Int32(exactly: image.size.width), let height = Int32(exactly: image.size.height),
            let stride = Int32(exactly: 3 * image.size.width)
        else { throw .notWritable(as: "WebP", reason: "it is \(image.size) pixels") }
        var buffer: UnsafeMutablePointer<UInt8>?
        let length = image.pixels.withUnsafeBufferPointer {
            WebPEncodeRGB($0.baseAddress, width, height, stride, Float(quality), &buffer)
        }
        defer { WebPFree(buffer) }
        guard length > 0, let buffer else { throw .notWritable(as: "WebP", reason: "it is \(image.size) pixels") }
        return Array(UnsafeBufferPointer(start: buffer, count: length))
    }

    /// What the header of a file, or of a frame's data, says.
    private static func features(_ bytes: UnsafeRawBufferPointer) throws(ImageCodecError) -> WebPBitstreamFeatures {
        var features = WebPBitstreamFeatures()
        switch WebPGetFeatures(bytes.bytePointer, bytes.count, &features) {
        case VP8_STATUS_OK: return features
        case VP8_STATUS_NOT_ENOUGH_DATA: throw .truncated("it ends within its header")
        default: throw .corrupt("it has no valid WebP header")
        }
    }

    private static func pixels(of bytes: UnsafeRawBufferPointer, size: ImageSize) throws(ImageCodecError) -> [UInt8] {
        let capacity = 3 * size.area  // checked: the size is within the limits
        guard let stride = Int32(exactly: 3 * size.width) else { throw .corrupt("its rows are too long") }
        var succeeded = false
        let pixels = [UInt8](unsafeUninitializedCapacity: capacity) { output, initialized in
            succeeded =
                WebPDecodeRGBInto(bytes.bytePointer, bytes.count, output.baseAddress, capacity, stride) != nil
            initialized = succeeded ? capacity : 0
        }
        guard succeeded else { throw .truncated("its image data is incomplete or damaged") }
        return pixels
    }
}
