import CImageCodecs
import Imaging

/// PNG by libpng: palette, gray, 1 to 16 bits, interlaced, the first image of an animation. Alpha is dropped, and so is `gAMA`.
struct PNGCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        // The size stands at a fixed place: signature, length, "IHDR", width, height.
        guard bytes.count >= 24 else { throw .truncated("it ends within its header") }
        guard !bytes[12..<16].elementsEqual("CgBI".utf8) else {
            throw .unsupported("a PNG that was rewritten for iPhones (CgBI)")
        }
        guard bytes[12..<16].elementsEqual("IHDR".utf8) else { throw .corrupt("it does not begin with an IHDR chunk") }
        let size = try limits.check(width: bytes.bigEndian(at: 16), height: bytes.bigEndian(at: 20))
        return ImageHeader(size: size, orientation: PNGChunks(bytes).orientation)
    }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, minimumSize: ImageSize
    ) throws(ImageCodecError) -> RasterImage {
        guard let width = UInt32(exactly: header.size.width), let height = UInt32(exactly: header.size.height) else {
            throw .corrupt("its size is not a PNG's")
        }
        let capacity = 3 * header.size.area  // checked: the size is within the limits
        var message = CodecMessage()
        var status = CODEC_OK
        let pixels = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            status = png_file_decode(
                bytes.bytePointer, bytes.count, width, height, output.baseAddress, capacity, &message)
            count = status == CODEC_OK ? capacity : 0
        }
        guard status == CODEC_OK else { throw ImageCodecError(status, message, format: "PNG") }
        return RasterImage(size: header.size, pixels: pixels)
    }

    func encode(_ image: RasterImage, quality: Int) throws(ImageCodecError) -> [UInt8] {
        try PNGFile.write(image.pixels, image.size, PNG_FILE_RGB)
    }
}

extension UnsafeRawBufferPointer {
    /// A 32-bit number, most significant byte first. The four bytes must exist.
    func bigEndian(at offset: Int) -> Int {
        Int(UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
}
