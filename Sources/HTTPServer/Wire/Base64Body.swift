import Foundation

/// Base64 in the many shapes in which clients send it.
///
/// Foundation decodes, quickly but strictly; what this does first is to bring the text into the one shape that it takes:
/// without a `data:` prefix, quotes, line breaks and percent escapes, in the standard alphabet, padded.
enum Base64Body {
    /// Why a text is not base64.
    enum Failure: Error {
        case malformed
        case empty
    }

    /// The bytes that a text stands for.
    static func decode(_ text: UnsafeRawBufferPointer) throws(Failure) -> Data {
        let wrapped = Base64Wrapping(text)
        if let bytes = decodeStrictly(wrapped.content) { return bytes }
        guard let clean = cleaned(wrapped) else { throw .malformed }
        guard !clean.isEmpty else { throw .empty }
        guard let bytes = Data(base64Encoded: clean), !bytes.isEmpty else { throw .malformed }
        return bytes
    }

    /// The common case, a text in the standard shape: decoded as it is. Foundation ignores what follows the padding, so
    /// the length must be that of the whole text.
    private static func decodeStrictly(_ text: UnsafeRawBufferPointer) -> Data? {
        guard text.count >= 4, text.count % 4 == 0,
            text[text.count - 3] != UInt8(ascii: "=")
        else { return nil }
        let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
        guard let bytes = Data(base64Encoded: Data(borrowing: text)), bytes.count == text.count / 4 * 3 - padding else {
            return nil
        }
        return bytes
    }

    /// What a character of the text becomes.
    private enum Kind {
        static let invalid: UInt8 = 0
        static let space: UInt8 = 1
        static let lineBreak: UInt8 = 2
        static let percent: UInt8 = 3
        static let padding: UInt8 = 4
        static let backslash: UInt8 = 5
        // Anything above stands for itself.
    }

    private static let table: [UInt8] = (0...255).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            UInt8(byte)
        case UInt8(ascii: "-"): UInt8(ascii: "+")
        case UInt8(ascii: "_"): UInt8(ascii: "/")
        case UInt8(ascii: " "): Kind.space
        case 9, 10, 11, 12, 13: Kind.lineBreak
        case UInt8(ascii: "%"): Kind.percent
        case UInt8(ascii: "="): Kind.padding
        case UInt8(ascii: "\\"): Kind.backslash
        default: Kind.invalid
        }
    }

    /// The text in the standard alphabet with padding; `nil` where a character has no place in base64.
    private static func cleaned(_ wrapped: Base64Wrapping) -> Data? {
        let text = wrapped.content
        // Line breaks and spaces stay until it is known which spaces were plus signs.
        var symbols = [UInt8](repeating: 0, count: text.count)
        var hasSpaces = false
        let count = table.withUnsafeBufferPointer { table -> Int? in
            var (read, written, padding) = (0, 0, 0)
            while read < text.count {
                var kind = table[Int(text[read])]
                // A percent sign may itself be encoded.
                var escapes = 0
                while kind == Kind.percent {
                    guard escapes < 3, let byte = percentEscape(in: text, at: read) else { return nil }
                    kind = table[Int(byte)]
                    read += 2
                    escapes += 1
                }
                if kind == Kind.backslash {
                    // Line breaks and slashes as JSON and programming languages write them.
                    guard let byte = backslashEscape(in: text, at: read) else { return nil }
                    kind = table[Int(byte)]
                    read += 1
                }
                switch kind {
                case Kind.invalid: return nil
                case Kind.space: hasSpaces = true
                case Kind.padding: padding += 1
                case Kind.lineBreak: break
                default:
                    if padding > 0 { return nil }  // nothing may follow the padding
                }
                symbols[written] = kind
                written += 1
                read += 1
            }
            return written
        }
        guard let count else { return nil }
        symbols.removeSubrange(count...)
        if hasSpaces {
            symbols = Base64Spaces.resolved(
                symbols, space: Kind.space, lineBreak: Kind.lineBreak, trailingSpaces: wrapped.trailingSpaces)
        }
        var clean = symbols.filter { $0 > Kind.backslash }
        // Spaces at the end were plus signs where the last group needs digits.
        if clean.count % 4 != 0, symbols.last.map({ $0 != Kind.padding }) ?? false {
            let missing = min(wrapped.trailingSpaces, 4 - clean.count % 4)
            clean.append(contentsOf: repeatElement(UInt8(ascii: "+"), count: missing))
        }
        // One digit more than full groups is no byte; two or three lack their padding.
        if clean.count % 4 == 1 { return nil }
        while clean.count % 4 != 0 { clean.append(UInt8(ascii: "=")) }
        return Data(clean)
    }

    private static func percentEscape(in text: UnsafeRawBufferPointer, at index: Int) -> UInt8? {
        guard index + 2 < text.count, let high = hex(text[index + 1]), let low = hex(text[index + 2]) else {
            return nil
        }
        return high << 4 | low
    }

    /// Decodes an escape sequence: a backslash and the character after it.
    private static func backslashEscape(in text: UnsafeRawBufferPointer, at index: Int) -> UInt8? {
        guard index + 1 < text.count else { return nil }
        switch text[index + 1] {
        case UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"), 10, 13: return 10
        case UInt8(ascii: "/"): return UInt8(ascii: "/")
        default: return nil
        }
    }

    static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        default: nil
        }
    }
}

extension [UInt8] {
    /// The bytes as base64.
    var base64: Data { Data(self).base64EncodedData() }
}
