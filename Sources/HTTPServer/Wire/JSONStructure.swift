import Foundation
import InstanceSegmentation

/// The bounds of JSON bodies, checked before anything is built from one: a body of some megabytes can stand for millions of values.
enum JSONStructure {
    static let maxValues = 10_000
    static let maxDepth = 64
    /// Most characters beyond ASCII of one text. To compare or hash a text takes time that grows with the square of its combining
    /// marks, of which each has two bytes or more.
    static let maxNonASCII = 256

    /// Goes over a body once; texts, which hold the images, at the speed of `memchr`. Whether it is JSON is for the parser to say.
    /// - Throws: `RequestError.jsonTooComplex`, `RequestError.malformedJSON`.
    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        guard let base = bytes.baseAddress else { return }
        // JSON is UTF-8 (RFC 8259). The parser reads UTF-16 and UTF-32 too, whose quotes and commas would not be seen here.
        guard memchr(base, 0, bytes.count) == nil else { throw RequestError.malformedJSON("it is not UTF-8.") }
        var (at, depth, values) = (0, 0, 0)
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                guard let end = endOfText(in: bytes, from: at + 1) else { return }  // it does not end
                if end - at > maxNonASCII, nonASCIICount(of: bytes[at + 1..<end]) > maxNonASCII {
                    throw RequestError.jsonTooComplex("has a text of more than \(maxNonASCII) characters beyond ASCII")
                }
                at = end
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                (depth, values) = (depth + 1, values + 1)
                guard depth <= maxDepth else {
                    throw RequestError.jsonTooComplex("nests deeper than \(maxDepth) levels")
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ","): values += 1
            default: break
            }
            guard values <= maxValues else { throw RequestError.jsonTooComplex("has more than \(maxValues) values") }
            at += 1
        }
    }

    /// A body within the bounds, with raw control characters in its texts as escapes. Clients that put base64 together from lines send
    /// line breaks in texts, which JSON forbids.
    /// - Throws: as `check`.
    static func checked(_ body: Data) throws -> Data {
        let escaped: Data? = try body.withUnsafeBytes { bytes in
            try check(bytes)
            let controls = controlCount(bytes)
            // Base64 has a line break every 64 or 76 characters; escapes of more would not fit into the memory of the body.
            guard controls <= max(maxNonASCII, bytes.count / 16) else {
                throw RequestError.jsonTooComplex("has too many control characters in its texts")
            }
            return controls > 0 ? withEscapedControls(bytes, controls) : nil
        }
        return escaped ?? body
    }

    /// What is wrong with a body that is not JSON, and where; `nil` if it is.
    static func syntaxError(in body: Data) -> RequestError? {
        guard let failure = body.withUnsafeBytes({ JSONReader.failure(in: $0) }) else { return nil }
        let before = body.prefix(failure.offset)
        let line = 1 + before.count { $0 == 10 }
        let column = 1 + (before.lastIndex(of: 10).map { before.endIndex - $0 - 1 } ?? before.count)
        return .malformedJSON("expected \(failure.expected) at line \(line), column \(column).")
    }

    private static func controlCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        var (at, count) = (0, 0)
        while let start = bytes[at...].firstIndex(of: UInt8(ascii: "\"")),
            let end = endOfText(in: bytes, from: start + 1)
        {
            count += bytes[start..<end].count { $0 < 0x20 }
            at = end + 1
        }
        return count
    }

    private static func withEscapedControls(_ bytes: UnsafeRawBufferPointer, _ controls: Int) -> Data {
        var result = Data(capacity: bytes.count + 5 * controls)
        var (isText, isEscaped) = (false, false)
        for byte in bytes {
            if isText, byte < 0x20 {
                // A backslash before a line break continues the text in the next line.
                if isEscaped {
                    result.removeLast()
                } else {
                    result += "\\u00".utf8
                    result += [byte >> 4, byte & 15].map { $0 + ($0 < 10 ? 48 : 87) }
                }
                isEscaped = false
                continue
            }
            if byte == UInt8(ascii: "\""), !isEscaped { isText.toggle() }
            isEscaped = isText && byte == UInt8(ascii: "\\") && !isEscaped
            result.append(byte)
        }
        return result
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

    /// The number of characters beyond ASCII, at least those of two bytes, also as escapes. Some encoders write `+` as `\u002B`.
    private static func nonASCIICount(of text: Slice<UnsafeRawBufferPointer>) -> Int {
        let text = UnsafeRawBufferPointer(rebasing: text)
        guard let base = text.baseAddress else { return 0 }
        var count = text.contains { $0 >= 0x80 } ? text.count { $0 >= 0x80 } / 2 : 0
        var at = 0
        while at < text.count, let hit = memchr(base + at, Int32(UInt8(ascii: "\\")), text.count - at) {
            at = base.distance(to: UnsafeRawPointer(hit))
            if at + 4 < text.count, text[at + 1] == UInt8(ascii: "u") {
                let isASCII =
                    text[at + 2] == UInt8(ascii: "0") && text[at + 3] == UInt8(ascii: "0")
                    && text[at + 4] < UInt8(ascii: "8")
                if !isASCII { count += 1 }
            }
            at += 2
        }
        return count
    }
}
