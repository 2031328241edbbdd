/// The first image of a GIF file, as its descriptor says, read without decoding.
struct GIFFrame {
    let left: Int
    let top: Int
    let width: Int
    let height: Int
    /// The index of the palette that stands for transparency.
    private(set) var transparentIndex: Int?
    /// Size of the file's screen, enlarged where the image reaches over its edge.
    let canvasWidth: Int
    let canvasHeight: Int

    /// Whether its rows come in four passes.
    let isInterlaced: Bool
    /// The bytes of its colors, or of the file's: three each.
    let paletteBytes: Range<Int>
    /// Where the smallest number of bits of a color lies; the codes follow it.
    let codesAt: Int

    /// Maximum number of bytes of extensions before the first image.
    private static let maxExtensionBytes = 64 << 20

    /// - Throws: `ImageCodecError`.
    init(_ bytes: UnsafeRawBufferPointer) throws(ImageCodecError) {
        guard bytes.count >= 13 else { throw .truncated("it ends within its header") }
        var at = 13
        if bytes[10] & 0x80 != 0 { at += 3 << (Int(bytes[10] & 7) + 1) }
        let imagesAt = at
        let limit = min(bytes.count, Self.maxExtensionBytes)
        while at < limit {
            switch bytes[at] {
            case 0x2C:
                guard at + 10 <= bytes.count else { throw .truncated("it ends within its first image") }
                (left, top) = (bytes.littleEndian16(at: at + 1), bytes.littleEndian16(at: at + 3))
                (width, height) = (bytes.littleEndian16(at: at + 5), bytes.littleEndian16(at: at + 7))
                canvasWidth = max(bytes.littleEndian16(at: 6), left + width)
                canvasHeight = max(bytes.littleEndian16(at: 8), top + height)
                let flags = bytes[at + 9], ownLength = flags & 0x80 != 0 ? 3 << (Int(flags & 7) + 1) : 0
                isInterlaced = flags & 0x40 != 0
                codesAt = at + 10 + ownLength
                let (start, end) = ownLength > 0 ? (at + 10, codesAt) : (13, imagesAt)
                paletteBytes = min(start, bytes.count)..<min(end, bytes.count)
                return
            case 0x21:
                guard at + 2 < limit else { throw .truncated("it ends within an extension") }
                let isControl = bytes[at + 1] == 0xF9
                at += 2
                if isControl, bytes[at] >= 4, at + 4 < limit, bytes[at + 1] & 1 != 0 {
                    transparentIndex = Int(bytes[at + 4])
                }
                while at < limit, bytes[at] != 0 { at += 1 + Int(bytes[at]) }
                at += 1
            case 0x3B: throw .corrupt("it has no image")
            default: at += 1
            }
        }
        throw .truncated("it ends before its first image")
    }
}

extension UnsafeRawBufferPointer {
    /// A 16-bit number, least significant byte first. The two bytes must exist.
    func littleEndian16(at offset: Int) -> Int {
        Int(UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }

    /// A 32-bit number with a sign, least significant byte first. The four bytes must exist.
    func littleEndian32(at offset: Int) -> Int {
        Int(Int32(littleEndian: loadUnaligned(fromByteOffset: offset, as: Int32.self)))
    }

    /// A 32-bit number without a sign, least significant byte first. The four bytes must exist.
    func littleEndianUnsigned32(at offset: Int) -> Int {
        Int(UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
}
