import CImageCodecs
import Imaging

/// JPEG by libjpeg-turbo: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK.
struct JPEGCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        let handle = try Decompressor()
        let found = try handle.readHeader(bytes)
        // Behind a JPEG's first bytes and no frame the library reports success and a size of 0x0.
        guard found.width > 0, found.height > 0 else { throw .corrupt("it has no picture behind a JPEG's first bytes") }
        let size = try limits.check(width: found.width, height: found.height)
        let segments = JPEGSegments(bytes)
        if segments.hasSeveralScans { try checkScans(bytes, size, isArithmetic: segments.isArithmetic) }
        return ImageHeader(size: size, orientation: segments.orientation)
    }

    /// Checks that the passes of a progressive file are not too many: each goes over all pixels, also where it holds no data.
    private func checkScans(
        _ bytes: UnsafeRawBufferPointer, _ size: ImageSize, isArithmetic: Bool
    ) throws(ImageCodecError) {
        let maxPixels = isArithmetic ? Self.maxScannedPixels / 8 : Self.maxScannedPixels
        let limit = min(Self.maxScans, max(maxPixels / size.area, 16))
        guard JPEGSegments.scanCount(bytes, limit: limit + 1) <= limit else {
            throw .unsupported("a JPEG of more than \(limit) scans")
        }
    }

    /// Encoders write ten or so; each coefficient on its own would be 190.
    private static let maxScans = 500
    /// Most pixels of all scans together.
    private static let maxScannedPixels = 4_000_000_000

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, enough: ImageSize
    ) throws(ImageCodecError) -> Image {
        let handle = try Decompressor()
        let found = try handle.readHeader(bytes)
        let size = header.size.shrunk(enough: enough)
        // The library says -1 where it does not know the components.
        guard let colorSpace = UInt32(exactly: found.colorSpace) else {
            throw .corrupt("its components are of no known color space")
        }
        if colorSpace == TJCS_CMYK.rawValue || colorSpace == TJCS_YCCK.rawValue {
            let inks = try handle.decompress(bytes, size: size, format: TJPF_CMYK, channels: 4)
            return Image(
                size: size, pixels: rgb(inks: inks, inverted: JPEGSegments(bytes).hasAdobeMarker), fullSize: header.size
            )
        }
        let pixels = try handle.decompress(bytes, size: size, format: TJPF_RGB, channels: 3)
        return Image(size: size, pixels: pixels, fullSize: header.size)
    }

    func encode(_ image: Image, quality: Int) throws(ImageCodecError) -> [UInt8] {
        guard let handle = tjInitCompress() else { throw .unsupported("not writable as JPEG (no memory)") }
        defer { tjDestroy(handle) }
        var buffer: UnsafeMutablePointer<UInt8>?
        var length: UInt = 0
        let status = image.pixels.withUnsafeBufferPointer { pixels in
            tjCompress2(
                handle, pixels.baseAddress, Int32(image.size.width), 0, Int32(image.size.height), TJPF_RGB.rawValue,
                &buffer, &length, Int32(TJSAMP_420.rawValue), Int32(min(max(quality, 1), 100)), 0)
        }
        defer { tjFree(buffer) }
        guard status == 0, let buffer else {
            throw .unsupported("not writable as JPEG (\(String(cString: tjGetErrorStr2(handle))))")
        }
        return Array(UnsafeBufferPointer(start: buffer, count: Int(length)))
    }

    /// Multiplies the inks out. Adobe's files store them inverted, 255 for none.
    private func rgb(inks: [UInt8], inverted: Bool) -> [UInt8] {
        let count = inks.count / 4
        return [UInt8](unsafeUninitializedCapacity: 3 * count) { output, initialized in
            let flip: UInt8 = inverted ? 0 : 255
            for i in 0..<count {
                let black = Int(inks[4 * i + 3] ^ flip)
                for c in 0..<3 { output[3 * i + c] = UInt8((Int(inks[4 * i + c] ^ flip) * black + 127) / 255) }
            }
            initialized = 3 * count
        }
    }
}

extension ImageSize {
    /// The smallest of 1/1, 1/2, 1/4 and 1/8 that is at least `enough` on both sides: the sizes that the decoder makes
    /// quickly, rounded up as it rounds.
    func shrunk(enough: ImageSize) -> ImageSize {
        for divisor in [8, 4, 2] {
            let small = ImageSize(width: (width + divisor - 1) / divisor, height: (height + divisor - 1) / divisor)
            if small.width >= enough.width && small.height >= enough.height { return small }
        }
        return self
    }
}

/// Owns a turbojpeg decompressor.
private final class Decompressor {
    private let handle: tjhandle

    init() throws(ImageCodecError) {
        guard let handle = tjInitDecompress() else { throw .unsupported("not readable as JPEG (no memory)") }
        self.handle = handle
    }

    deinit { tjDestroy(handle) }

    private var message: String { String(cString: tjGetErrorStr2(handle)) }

    func readHeader(_ bytes: UnsafeRawBufferPointer) throws(ImageCodecError) -> (
        width: Int, height: Int, colorSpace: Int
    ) {
        var (width, height, subsampling, colorSpace): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
        let status = tjDecompressHeader3(
            handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(bytes.count), &width, &height,
            &subsampling, &colorSpace)
        if status != 0, tjGetErrorCode(handle) == TJERR_FATAL.rawValue { throw .corrupt(message) }
        return (Int(width), Int(height), Int(colorSpace))
    }

    func decompress(
        _ bytes: UnsafeRawBufferPointer, size: ImageSize, format: TJPF, channels: Int
    ) throws(ImageCodecError) -> [UInt8] {
        var status: Int32 = 0
        let pixels = [UInt8](unsafeUninitializedCapacity: channels * size.area) { output, count in
            status = tjDecompress2(
                handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(bytes.count), output.baseAddress,
                Int32(size.width), 0, Int32(size.height), format.rawValue, 0)
            count = channels * size.area
        }
        // Stray bytes between segments hurt nothing. What else the decoder warns of leaves a part of the picture grey.
        if status != 0, !message.contains("extraneous bytes") {
            throw message.contains("remature end") ? .truncated(message) : .corrupt(message)
        }
        return pixels
    }
}
