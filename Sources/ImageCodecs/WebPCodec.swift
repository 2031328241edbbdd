import CImageCodecs
import Imaging

/// WebP by libwebp: lossy, lossless, alpha (which is dropped); not animations.
struct WebPCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        var features = WebPBitstreamFeatures()
        let status = WebPGetFeatures(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &features)
        switch status {
        case VP8_STATUS_OK: break
        case VP8_STATUS_NOT_ENOUGH_DATA: throw .truncated("it ends within its header")
        default: throw .corrupt("it has no valid WebP header")
        }
        guard features.has_animation == 0 else { throw .unsupported("an animated WebP") }
        let size = try limits.check(width: Int(features.width), height: Int(features.height))
        return ImageHeader(size: size, orientation: orientation(of: bytes))
    }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, enough: ImageSize
    ) throws(ImageCodecError) -> Image {
        let (size, count) = (header.size, 3 * header.size.area)
        var succeeded = false
        let pixels = [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
            succeeded =
                WebPDecodeRGBInto(
                    bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, output.baseAddress, count,
                    Int32(3 * size.width)) != nil
            initialized = count
        }
        guard succeeded else { throw .truncated("its picture data is incomplete or damaged") }
        return Image(size: size, pixels: pixels)
    }

    func encode(_ image: Image, quality: Int) throws(ImageCodecError) -> [UInt8] {
        var buffer: UnsafeMutablePointer<UInt8>?
        let length = image.pixels.withUnsafeBufferPointer {
            WebPEncodeRGB(
                $0.baseAddress, Int32(image.size.width), Int32(image.size.height), Int32(3 * image.size.width),
                Float(quality), &buffer)
        }
        defer { WebPFree(buffer) }
        guard length > 0, let buffer else { throw .unsupported("not writable as WebP (\(image.size) pixels)") }
        return Array(UnsafeBufferPointer(start: buffer, count: length))
    }

    /// The orientation of an `EXIF` chunk of the RIFF container.
    private func orientation(of bytes: UnsafeRawBufferPointer) -> Orientation {
        var at = 12
        while at + 8 <= bytes.count {
            let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)))
            guard length <= bytes.count - at - 8 else { return .up }
            if bytes[at..<at + 4].elementsEqual("EXIF".utf8) {
                var body = bytes[at + 8..<at + 8 + length]
                if body.prefix(4).elementsEqual("Exif".utf8) { body = body.dropFirst(6) }
                return Orientation(tiff: UnsafeRawBufferPointer(rebasing: body))
            }
            at += 8 + length + length % 2
        }
        return .up
    }
}
