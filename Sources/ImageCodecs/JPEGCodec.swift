import CImageCodecs
import Imaging

/// JPEG by libjpeg-turbo: baseline, progressive and arithmetic-coded; gray, YCbCr, RGB, CMYK and YCCK, with any subsampling.
struct JPEGCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        let segments = JPEGSegments(bytes)
        var found = JPEGHeader()
        try Self.call(segments) { jpeg_file_header(bytes.bytePointer, bytes.count, &found, &$0) }
        let size = try limits.check(width: Int(found.width), height: Int(found.height))
        guard [1, 3, 4].contains(found.components) else {
            throw .unsupported("a JPEG of \(found.components) components")
        }
        if segments.hasSeveralScans { try checkScans(bytes, size, isArithmetic: segments.isArithmetic) }
        let inks = found.components == 4 ? 4 * size.area : 0
        return ImageHeader(
            size: size, orientation: segments.orientation, workingMemory: Int(clamping: found.coefficient_bytes) + inks)
    }

    /// Checks that the scans of a file are not too many: each goes over all pixels, also where it holds no data.
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
    /// Maximum number of pixels of all scans together.
    private static let maxScannedPixels = 4_000_000_000

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, minimumSize: ImageSize
    ) throws(ImageCodecError) -> RasterImage {
        let segments = JPEGSegments(bytes)
        let divisor = header.size.divisor(enough: minimumSize)
        let size = header.size.divided(by: divisor)
        let channels = segments.componentCount == 4 ? 4 : 3
        guard let width = UInt32(exactly: header.size.width), let height = UInt32(exactly: header.size.height),
            let denominator = UInt32(exactly: divisor)
        else { throw .corrupt("its size is not a JPEG's") }
        let capacity = channels * size.area  // checked: the size is within the limits
        var message = CodecMessage()
        var status = CODEC_OK
        let samples = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            status = jpeg_file_decode(
                bytes.bytePointer, bytes.count, width, height, denominator, output.baseAddress, capacity, &message)
            count = status == CODEC_OK ? capacity : 0
        }
        try Self.check(status, message, segments)
        let pixels = channels == 4 ? Self.rgb(inks: samples) : samples
        return RasterImage(size: size, pixels: pixels, originalSize: header.size)
    }

    func encode(_ image: RasterImage, quality: Int) throws(ImageCodecError) -> [UInt8] {
        guard let width = UInt32(exactly: image.size.width), let height = UInt32(exactly: image.size.height) else {
            throw .notWritable(as: "JPEG", reason: "it is \(image.size) pixels")
        }
        var file: UnsafeMutablePointer<UInt8>?
        var length: UInt = 0
        var message = CodecMessage()
        let status = image.pixels.withUnsafeBufferPointer {
            jpeg_file_encode(
                $0.baseAddress, width, height, Int32(clamping: min(max(quality, 1), 100)), &file, &length, &message)
        }
        defer { free(file) }
        guard status == CODEC_OK, let file, let count = Int(exactly: length) else {
            throw status == CODEC_NO_MEMORY ? .outOfMemory : .notWritable(as: "JPEG", reason: message.description)
        }
        return Array(UnsafeBufferPointer(start: file, count: count))
    }

    /// Multiplies the inks out, which files store inverted: 255 for none.
    ///
    /// Source: Pillow, `src/libImaging/Convert.c`, `cmyk2rgb`. Like Pillow and OpenCV this does not ask whether there is an `Adobe`
    /// segment, since files without one are inverted too.
    private static func rgb(inks: [UInt8]) -> [UInt8] {
        let count = inks.count / 4
        return [UInt8](unsafeUninitializedCapacity: 3 * count) { output, initialized in
            inks.withUnsafeBufferPointer { inks in
                for i in 0..<count {
                    let light = Int32(inks[4 * i + 3])
                    for c in 0..<3 { output[3 * i + c] = .inked(light: light, ink: 255 - Int32(inks[4 * i + c])) }
                }
            }
            initialized = 3 * count
        }
    }

    /// Calls libjpeg and reports what it says.
    private static func call(
        _ segments: JPEGSegments, _ body: (inout CodecMessage) -> CodecStatus
    ) throws(ImageCodecError) {
        var message = CodecMessage()
        try check(body(&message), message, segments)
    }

    private static func check(
        _ status: CodecStatus, _ message: CodecMessage, _ segments: JPEGSegments
    ) throws(ImageCodecError) {
        guard status != CODEC_OK else { return }
        // A kind that the library cannot decode is told by its name. Not every version says so itself.
        if status != CODEC_TRUNCATED, let kind = segments.unusualKind { throw .unsupported(kind) }
        throw ImageCodecError(status, message, format: "JPEG")
    }
}

extension ImageSize {
    /// The largest of 8, 4, 2 and 1 by which the size can be divided so that it is still at least `minimumSize` on both sides: the sizes
    /// that the decoder makes quickly.
    func divisor(enough: ImageSize) -> Int {
        for divisor in [8, 4, 2] {
            let small = divided(by: divisor)
            if small.width >= enough.width && small.height >= enough.height { return divisor }
        }
        return 1
    }

    /// The size divided by a number, rounded up as the decoder does it.
    func divided(by divisor: Int) -> ImageSize {
        ImageSize(width: (width + divisor - 1) / divisor, height: (height + divisor - 1) / divisor)
    }
}
