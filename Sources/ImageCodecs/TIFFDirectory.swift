/// The first directory of a TIFF or BigTIFF file, or of an EXIF block, which is laid out like one.
///
/// Sources: TIFF 6.0, section 2; the BigTIFF design of Adobe's Technical Note; EXIF 2.32, 4.6.2.
struct TIFFDirectory {
    /// The orientation; `nil` where the directory has none, or a value that is not 1...8.
    private(set) var orientation: Orientation?

    private let bytes: UnsafeRawBufferPointer
    private let isLittleEndian: Bool

    /// Returns `nil` where the bytes do not begin like a TIFF file.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let isLittleEndian = Self.byteOrder(of: bytes) else { return nil }
        self.bytes = bytes
        self.isLittleEndian = isLittleEndian
        // Some writers have the 42 in the wrong byte order; 43 is BigTIFF.
        let isBig = number(2, 2) == 43
        let (countLength, valueLength) = isBig ? (8, 8) : (2, 4)
        guard let start = isBig ? number(8, 8) : number(4, 4), let count = number(start, countLength) else { return }
        let entryLength = 4 + 2 * valueLength
        for index in 0..<min(count, Self.maxEntries) {
            let at = start + countLength + entryLength * index  // checked: within the file, 65,535 entries
            guard let tag = number(at, 2) else { return }
            guard tag == 0x0112, let kind = number(at + 2, 2), number(at + 4, valueLength) == 1 else { continue }
            orientation = value(kind, at: at + 4 + valueLength).flatMap(Orientation.init(rawValue:))
        }
    }

    private static let maxEntries = 65_535

    /// Whether a file begins like a TIFF file whose numbers have the least significant byte first; `nil` where it is not a TIFF file.
    static func byteOrder(of bytes: some Collection<UInt8>) -> Bool? {
        let head = Array(bytes.prefix(4))
        guard head.count == 4 else { return nil }
        switch (head[0], head[1], head[2], head[3]) {
        case (0x49, 0x49, 42, 0), (0x49, 0x49, 0, 42), (0x49, 0x49, 43, 0): return true
        case (0x4D, 0x4D, 0, 42), (0x4D, 0x4D, 42, 0), (0x4D, 0x4D, 0, 43): return false
        default: return nil
        }
    }

    /// An entry's only value: SHORT, LONG, SSHORT, SLONG, IFD or LONG8.
    private func value(_ kind: Int, at offset: Int) -> Int? {
        switch kind {
        case 3, 8: number(offset, 2)
        case 4, 9, 13: number(offset, 4)
        case 16, 17: number(offset, 8)
        default: nil
        }
    }

    /// A number of `count` bytes; `nil` past the end of the bytes or above `Int.max`.
    private func number(_ offset: Int, _ count: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - count else { return nil }
        var value: UInt64 = 0
        for i in 0..<count { value = value << 8 | UInt64(bytes[offset + (isLittleEndian ? count - 1 - i : i)]) }
        return Int(exactly: value)
    }
}
