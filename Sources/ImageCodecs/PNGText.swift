import CImageCodecs

/// A text chunk of a PNG file whose keyword names metadata of an image: `tEXt`, `zTXt` or `iTXt`.
struct PNGText {
    let keyword: String
    /// The text, inflated where the chunk holds it compressed.
    let content: [UInt8]

    /// Keywords of the texts that are read. All others are skipped without inflating them.
    private static let keywords: Set = ["XML:com.adobe.xmp", "Raw profile type exif"]
    /// Maximum size of a text in bytes; longer ones are truncated.
    private static let maxSize = 256 << 10

    /// - Parameters:
    ///   - body: the chunk without length, kind and checksum.
    ///   - kind: the four letters of its kind as a number.
    /// Returns `nil` for other keywords, and for damaged texts.
    init?(_ body: UnsafeRawBufferPointer, kind: Int) {
        guard let end = body.prefix(80).firstIndex(of: 0) else { return nil }
        keyword = String(decoding: body[..<end], as: UTF8.self)
        guard Self.keywords.contains(keyword) else { return nil }
        var rest = body[(end + 1)...]
        var isCompressed = false
        if kind == PNGChunks.code("zTXt") {
            isCompressed = true
            rest = rest.dropFirst(1)  // the method of compression
        } else if kind == PNGChunks.code("iTXt") {
            isCompressed = rest.first == 1
            rest = rest.dropFirst(2)
            for _ in 0..<2 {  // language and translated keyword
                guard let stop = rest.firstIndex(of: 0) else { return nil }
                rest = rest[(stop + 1)...]
            }
        }
        let stored = UnsafeRawBufferPointer(rebasing: rest)
        guard isCompressed else {
            content = Array(stored.prefix(Self.maxSize))
            return
        }
        var length = -1
        content = [UInt8](unsafeUninitializedCapacity: Self.maxSize) { output, count in
            length = zlib_inflate(stored.bytePointer, stored.count, output.baseAddress, Self.maxSize)
            count = max(length, 0)
        }
        guard length >= 0 else { return nil }
    }

    /// The bytes that ImageMagick's "raw profile" holds: a name and a length on lines of their own, then hexadecimal digits.
    var hexadecimalProfile: [UInt8] {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropFirst(3)
            .joined()
        {
            guard let digit = Self.digit(character) else { continue }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
