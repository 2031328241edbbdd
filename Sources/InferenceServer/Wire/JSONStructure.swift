import Foundation

/// The bounds of JSON bodies, checked before anything is built from one: a body of some megabytes can stand for millions of values.
enum JSONStructure {
    static let maxValues = 10_000
    static let maxDepth = 64
    /// Longest text that is not ASCII, in bytes. To compare or hash one takes time that grows with the square of its combining marks.
    static let maxTextSize = 256

    /// Goes over a body once; texts, which hold the images, at the speed of `memchr`. Whether it is JSON is for the parser to say.
    /// - Throws: `ServingError.jsonTooComplex`, `ServingError.malformedJSON`.
    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        guard let base = bytes.baseAddress else { return }
        // JSON is UTF-8 (RFC 8259). The parser reads UTF-16 and UTF-32 too, whose quotes and commas would not be seen here.
        guard memchr(base, 0, bytes.count) == nil else { throw ServingError.malformedJSON("it is not UTF-8.") }
        var (at, depth, values) = (0, 0, 0)
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                guard let end = endOfText(in: bytes, from: at + 1) else { return }  // it does not end
                if end - at > maxTextSize, !isASCII(bytes[at + 1..<end]) {
                    throw ServingError.jsonTooComplex("has a text of more than \(maxTextSize) bytes that is not ASCII")
                }
                at = end
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                (depth, values) = (depth + 1, values + 1)
                guard depth <= maxDepth else {
                    throw ServingError.jsonTooComplex("nests deeper than \(maxDepth) levels")
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ","): values += 1
            default: break
            }
            guard values <= maxValues else { throw ServingError.jsonTooComplex("has more than \(maxValues) values") }
            at += 1
        }
    }

    /// Where the quote stands that ends a text.
    private static func endOfText(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var at = start
        while at < bytes.count, let base = bytes.baseAddress,
            let hit = memchr(base + at, Int32(UInt8(ascii: "\"")), bytes.count - at)
        {
            let quote = base.distance(to: UnsafeRawPointer(hit))
            // A quote after an odd number of backslashes belongs to the text.
            var slashes = 0
            while quote - slashes > start, bytes[quote - 1 - slashes] == UInt8(ascii: "\\") { slashes += 1 }
            if slashes % 2 == 0 { return quote }
            at = quote + 1
        }
        return nil
    }

    /// Whether a text has no other characters, also not as escapes. Some encoders write `+` as `\u002B`.
    private static func isASCII(_ text: Slice<UnsafeRawBufferPointer>) -> Bool {
        let text = UnsafeRawBufferPointer(rebasing: text)
        guard let base = text.baseAddress, !text.contains(where: { $0 >= 0x80 }) else { return text.isEmpty }
        var at = 0
        while at < text.count, let hit = memchr(base + at, Int32(UInt8(ascii: "\\")), text.count - at) {
            at = base.distance(to: UnsafeRawPointer(hit))
            guard at + 1 < text.count else { return true }
            if text[at + 1] == UInt8(ascii: "u") {
                let isLatin =
                    text[(at + 2)...].starts(with: "00".utf8) && at + 4 < text.count && text[at + 4] < UInt8(ascii: "8")
                guard isLatin else { return false }
            }
            at += 2
        }
        return true
    }
}
