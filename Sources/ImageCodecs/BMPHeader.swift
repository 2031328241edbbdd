/// The header and palette of a Windows or OS/2 bitmap.
struct BMPHeader {
    /// How the pixels are stored.
    enum Storage {
        case plain
        /// Run-length encoded indices of 4 or 8 bits.
        case runs
    }

    private(set) var width = 0
    private(set) var height = 0
    private(set) var isFromTop = false
    private(set) var bits = 0
    private(set) var storage = Storage.plain
    /// Where red, green and blue are in a pixel of 16 or 32 bits.
    private(set) var masks: [UInt32] = [0xFF0000, 0xFF00, 0xFF]
    /// 256 colors for pixels of up to 8 bits, black where the file has fewer.
    private(set) var palette: [(red: UInt8, green: UInt8, blue: UInt8)] = []
    /// Where the pixels begin in the file.
    private(set) var pixelsAt = 0
    /// Where the bitmap's own header begins: after that of a file, or at once.
    private let start: Int

    /// Sizes of the headers that there are: OS/2 1, OS/2 2 without and with all its fields, and Windows 3 to 5.
    private static let lengths: Set = [12, 16, 40, 52, 56, 64, 108, 124]

    /// Whether bytes that begin with `BM` are a bitmap's: text may begin so too. 18 bytes are looked at.
    static func isPlausible(_ head: [UInt8]) -> Bool {
        guard head.count >= 18 else { return false }
        return head.withUnsafeBytes { lengths.contains($0.littleEndianUnsigned32(at: 14)) }
    }

    /// Whether bytes are a bitmap without the header of a file (DIB), as it lies on the clipboard. 18 bytes are looked at.
    static func isPlausibleWithoutFile(_ head: [UInt8]) -> Bool {
        guard head.count >= 18 else { return false }
        return head.withUnsafeBytes { head in
            let length = head.littleEndianUnsigned32(at: 0)
            let planesAt = length == 12 ? 8 : 12
            return lengths.contains(length) && head.littleEndian16(at: planesAt) == 1
                && depths.contains(head.littleEndian16(at: planesAt + 2))
        }
    }

    private static let depths: Set = [1, 2, 4, 8, 16, 24, 32]

    /// - Throws: `ImageCodecError`.
    init(_ bytes: UnsafeRawBufferPointer) throws(ImageCodecError) {
        guard bytes.count >= 26 else { throw .truncated("it ends within its header") }
        start = bytes.starts(with: "BM".utf8) ? 14 : 0
        pixelsAt = start == 0 ? 0 : bytes.littleEndianUnsigned32(at: 10)
        let length = bytes.littleEndianUnsigned32(at: start)
        guard Self.lengths.contains(length) else { throw .corrupt("it has no valid BMP header") }
        guard bytes.count >= start + length else { throw .truncated("it ends within its header") }
        var colors = 0, paletteAt = start + length
        if length == 12 {
            (width, height) = (bytes.littleEndian16(at: start + 4), bytes.littleEndian16(at: start + 6))
            bits = bytes.littleEndian16(at: start + 10)
            takeMasksOfDepth()
        } else {
            let lines = bytes.littleEndian32(at: start + 8)
            (width, height) = (bytes.littleEndian32(at: start + 4), abs(lines))  // checked: 32 bits in an Int
            isFromTop = lines < 0
            bits = bytes.littleEndian16(at: start + 14)
            takeMasksOfDepth()
            if length >= 40 {
                colors = bytes.littleEndianUnsigned32(at: start + 32)
                try readCompression(bytes, length: length, paletteAt: &paletteAt)
            }
        }
        guard Self.depths.contains(bits) else { throw .corrupt("it has \(bits) bits a pixel") }
        if bits <= 8 { readPalette(bytes, at: paletteAt, count: colors, entry: length == 12 ? 3 : 4) }
        if pixelsAt == 0 { pixelsAt = paletteAt }
    }

    /// Five bits a color, unless the file says otherwise.
    private mutating func takeMasksOfDepth() {
        if bits == 16 { masks = [0x7C00, 0x3E0, 0x1F] }
    }

    private mutating func readCompression(
        _ bytes: UnsafeRawBufferPointer, length: Int, paletteAt: inout Int
    ) throws(ImageCodecError) {
        switch (bytes.littleEndianUnsigned32(at: start + 16), bits) {
        case (0, _): break
        case (1, 8), (2, 4): storage = .runs
        case (3, 16), (3, 32), (6, 16), (6, 32):
            guard bytes.count >= start + 52 else { throw .truncated("it ends within its header") }
            let found = (0..<3).map { UInt32(clamping: bytes.littleEndianUnsigned32(at: start + 40 + 4 * $0)) }
            // Some writers leave all masks out.
            if found != [0, 0, 0] { masks = found }
        case (3, 24), (6, 24): break
        case (3, 1): throw .unsupported("a BMP compressed by Huffman codes")
        case (4, 24) where length == 64: throw .unsupported("a BMP of 24-bit runs")
        case (4, _): throw .unsupported("a BMP that holds a JPEG")
        case (5, _): throw .unsupported("a BMP that holds a PNG")
        case (11...13, _): throw .unsupported("a BMP of inks (CMYK)")
        default: throw .corrupt("it has an unknown compression")
        }
        // The masks of the colors, and of opacity, follow a header that has no room for them.
        if length == 40 {
            switch bytes.littleEndianUnsigned32(at: start + 16) {
            case 3: paletteAt += 12
            case 6: paletteAt += 16
            default: break
            }
        }
    }

    private mutating func readPalette(_ bytes: UnsafeRawBufferPointer, at start: Int, count: Int, entry: Int) {
        let colors = count > 0 ? count : 1 << bits
        if pixelsAt == self.start + bytes.littleEndianUnsigned32(at: self.start) || pixelsAt == 0 {
            pixelsAt = start + entry * colors  // checked: 32-bit numbers in an Int
        }
        palette = (0..<256).map { index in
            let at = start + entry * index
            guard index < colors, at + 3 <= bytes.count else { return (0, 0, 0) }
            return (bytes[at + 2], bytes[at + 1], bytes[at])
        }
    }
}
