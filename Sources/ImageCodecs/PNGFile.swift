import CImageCodecs
public import Imaging

/// Writes PNG files whose pixels are not RGB.
public enum PNGFile {
    /// Encodes gray values of 8 bits, or of 16 bits if `isWide`.
    /// - Throws: `ImageCodecError`.
    public static func gray(_ values: [UInt16], size: ImageSize, isWide: Bool) throws(ImageCodecError) -> [UInt8] {
        precondition(values.count == size.area, "one value a pixel")
        if isWide { return try write(values, size, PNG_FILE_GRAY16) }
        return try write(values.map { UInt8(truncatingIfNeeded: $0) }, size, PNG_FILE_GRAY)
    }

    /// Encodes red, green, blue and opacity, one byte each.
    /// - Throws: `ImageCodecError`.
    public static func rgba(_ pixels: [UInt8], size: ImageSize) throws(ImageCodecError) -> [UInt8] {
        precondition(pixels.count == 4 * size.area, "four bytes a pixel")
        return try write(pixels, size, PNG_FILE_RGBA)
    }

    static func write<Element>(
        _ elements: [Element], _ size: ImageSize, _ kind: PNGFileKind
    ) throws(ImageCodecError) -> [UInt8] {
        guard let width = UInt32(exactly: size.width), let height = UInt32(exactly: size.height) else {
            throw .notWritable(as: "PNG", reason: "it is \(size) pixels")
        }
        var file: UnsafeMutablePointer<UInt8>?
        var length = 0
        var message = CodecMessage()
        let status = elements.withUnsafeBytes {
            png_file_encode($0.baseAddress, width, height, kind, &file, &length, &message)
        }
        defer { free(file) }
        guard status == CODEC_OK, let file else {
            throw status == CODEC_NO_MEMORY ? .outOfMemory : .notWritable(as: "PNG", reason: message.description)
        }
        return Array(UnsafeBufferPointer(start: file, count: length))
    }
}
