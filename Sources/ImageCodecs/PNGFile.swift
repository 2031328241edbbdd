import CImageCodecs
public import Imaging

/// Writes PNG files of other kinds than pictures.
public enum PNGFile {
    /// Grey values as they are: of 8 bits, or of 16.
    /// - Throws: `ImageCodecError`.
    public static func gray(_ values: [UInt16], size: ImageSize, isWide: Bool) throws(ImageCodecError) -> [UInt8] {
        precondition(values.count == size.area, "one value a pixel")
        if isWide { return try write(values, size, PNG_FORMAT_FLAG_LINEAR) }
        return try write(values.map { UInt8(truncatingIfNeeded: $0) }, size, 0)
    }

    /// Red, green, blue and opacity, a byte each.
    /// - Throws: `ImageCodecError`.
    public static func rgba(_ pixels: [UInt8], size: ImageSize) throws(ImageCodecError) -> [UInt8] {
        precondition(pixels.count == 4 * size.area, "four bytes a pixel")
        return try write(pixels, size, PNG_FORMAT_RGB | PNG_FORMAT_FLAG_ALPHA)
    }

    static func write<Element>(_ elements: [Element], _ size: ImageSize, _ format: UInt32) throws(ImageCodecError)
        -> [UInt8]
    {
        var control = png_image()
        control.version = UInt32(PNG_IMAGE_VERSION)
        control.width = UInt32(size.width)
        control.height = UInt32(size.height)
        control.format = format
        var length = 0
        let sized = elements.withUnsafeBufferPointer {
            png_image_write_to_memory(&control, nil, &length, 0, $0.baseAddress, 0, nil)
        }
        guard sized != 0 else { throw PNGCodec.error(control) }
        var written: Int32 = 0
        let file = [UInt8](unsafeUninitializedCapacity: length) { output, count in
            written = elements.withUnsafeBufferPointer {
                png_image_write_to_memory(&control, output.baseAddress, &length, 0, $0.baseAddress, 0, nil)
            }
            count = written == 0 ? 0 : length
        }
        guard written != 0 else { throw PNGCodec.error(control) }
        return file
    }
}
