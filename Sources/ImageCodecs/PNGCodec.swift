import CImageCodecs
import Imaging

/// PNG by libpng's simplified interface: palette, grey, 1 to 16 bits, alpha (which is dropped).
struct PNGCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        // The size stands at a fixed place: signature, length, "IHDR", width, height.
        guard bytes.count >= 24, bytes[12..<16].elementsEqual("IHDR".utf8) else {
            throw .truncated("it has no PNG header")
        }
        let size = try limits.check(width: bytes.bigEndian(at: 16), height: bytes.bigEndian(at: 20))
        return ImageHeader(size: size, orientation: PNGChunks(bytes).orientation)
    }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, enough: ImageSize
    ) throws(ImageCodecError) -> Image {
        try PNGChunks(bytes).withoutMetadata { (bytes) throws(ImageCodecError) in try decodePixels(bytes, header) }
    }

    private func decodePixels(
        _ bytes: UnsafeRawBufferPointer, _ header: ImageHeader
    ) throws(ImageCodecError) -> Image {
        var control = png_image()
        control.version = UInt32(PNG_IMAGE_VERSION)
        defer { png_image_free(&control) }
        guard png_image_begin_read_from_memory(&control, bytes.baseAddress, bytes.count) != 0 else {
            throw Self.error(control)
        }
        guard Int(control.width) == header.size.width, Int(control.height) == header.size.height else {
            throw .corrupt("its size is unclear")
        }
        // 16-bit files are taken as sRGB like the others. Alpha is asked for and then dropped: without it libpng would
        // blend onto a background.
        control.flags |= UInt32(PNG_IMAGE_FLAG_16BIT_sRGB)
        let hasAlpha = control.format & PNG_FORMAT_FLAG_ALPHA != 0
        control.format = PNG_FORMAT_RGB | (hasAlpha ? PNG_FORMAT_FLAG_ALPHA : 0)
        let channels = hasAlpha ? 4 : 3
        var status: Int32 = 0
        var pixels = [UInt8](unsafeUninitializedCapacity: channels * header.size.area) { output, count in
            status = png_image_finish_read(&control, nil, output.baseAddress, 0, nil)
            count = channels * header.size.area
        }
        guard status != 0 else { throw Self.error(control) }
        if hasAlpha { pixels = withoutAlpha(pixels) }
        return Image(size: header.size, pixels: pixels)
    }

    func encode(_ image: Image, quality: Int) throws(ImageCodecError) -> [UInt8] {
        try PNGFile.write(image.pixels, image.size, PNG_FORMAT_RGB)
    }

    private func withoutAlpha(_ pixels: [UInt8]) -> [UInt8] {
        let count = pixels.count / 4
        return [UInt8](unsafeUninitializedCapacity: 3 * count) { output, initialized in
            pixels.withUnsafeBufferPointer { input in
                for i in 0..<count {
                    output[3 * i] = input[4 * i]
                    output[3 * i + 1] = input[4 * i + 1]
                    output[3 * i + 2] = input[4 * i + 2]
                }
            }
            initialized = 3 * count
        }
    }

    static func error(_ control: png_image) -> ImageCodecError {
        let message = withUnsafeBytes(of: control.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let ended = ["end", "short", "read beyond", "Not enough"].contains { message.contains($0) }
        return ended ? .truncated(message) : .corrupt(message)
    }
}

extension UnsafeRawBufferPointer {
    /// A 32-bit number, most significant byte first. The four bytes must exist.
    func bigEndian(at offset: Int) -> Int {
        Int(UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
}
