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
        let text = withoutWrapping(text)
        if let bytes = decodeStrictly(text) { return bytes }
        guard let clean = cleaned(text) else { throw .malformed }
        guard !clean.isEmpty else { throw .empty }
        guard let bytes = Data(base64Encoded: clean), !bytes.isEmpty else { throw .malformed }
        return bytes
    }

    /// The common case, a text in the standard shape: decoded as it is. Foundation ignores what follows the padding, so
    /// the length must be that of the whole text.
    private static func decodeStrictly(_ text: UnsafeRawBufferPointer) -> Data? {
        guard let base = text.baseAddress, text.count >= 4, text.count % 4 == 0,
            text[text.count - 3] != UInt8(ascii: "=")
        else { return nil }
        let view = Data(bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: text.count, deallocator: .none)
        let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
        guard let bytes = Data(base64Encoded: view), bytes.count == text.count / 4 * 3 - padding else { return nil }
        return bytes
    }

    /// What a character of the text becomes.
    private enum Kind {
        static let invalid: UInt8 = 0
        static let space: UInt8 = 1
        static let lineBreak: UInt8 = 2
        static let percent: UInt8 = 3
        static let padding: UInt8 = 4
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
        default: Kind.invalid
        }
    }

    /// The text in the standard alphabet with padding; `nil` where a character has no place in base64.
    private static func cleaned(_ text: UnsafeRawBufferPointer) -> Data? {
        var clean = Data(count: text.count + 3)
        var isValid = true
        let count = clean.withUnsafeMutableBytes { (output: UnsafeMutableRawBufferPointer) -> Int in
            table.withUnsafeBufferPointer { table in
                var (read, written, end) = (0, 0, false)
                while read < text.count {
                    var kind = table[Int(text[read])]
                    if kind == Kind.percent {
                        guard let byte = percentEscape(in: text, at: read) else {
                            isValid = false
                            return 0
                        }
                        kind = table[Int(byte)]
                        read += 2
                    }
                    switch kind {
                    case Kind.invalid, Kind.percent:
                        isValid = false
                        return 0
                    case Kind.lineBreak:
                        break
                    case Kind.space:
                        // Plus signs that a form decoder turned into spaces, unless they stand beside a line break.
                        var next = read + 1
                        while next < text.count, table[Int(text[next])] == Kind.space { next += 1 }
                        let isAtBreak =
                            read == 0 || next == text.count || table[Int(text[read - 1])] == Kind.lineBreak
                            || table[Int(text[next])] == Kind.lineBreak
                        if !isAtBreak && !end {
                            for _ in read..<next {
                                output[written] = UInt8(ascii: "+")
                                written += 1
                            }
                        }
                        read = next - 1
                    case Kind.padding:
                        end = true
                    default:
                        if end {  // nothing may follow the padding
                            isValid = false
                            return 0
                        }
                        output[written] = kind
                        written += 1
                    }
                    read += 1
                }
                // One digit more than full groups is no byte; two or three lack their padding.
                if written % 4 == 1 {
                    isValid = false
                    return 0
                }
                while written % 4 != 0 {
                    output[written] = UInt8(ascii: "=")
                    written += 1
                }
                return written
            }
        }
        return isValid ? clean.prefix(count) : nil
    }

    /// Without a byte order mark, white space around it, quotes around it and a `data:...,` prefix.
    private static func withoutWrapping(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var rest = text[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        func trim() {
            while let first = rest.first, isSpace(first) { rest = rest.dropFirst() }
            while let last = rest.last, isSpace(last) { rest = rest.dropLast() }
        }
        trim()
        if rest.count >= 2, rest.first == UInt8(ascii: "\""), rest.last == UInt8(ascii: "\"") {
            rest = rest.dropFirst().dropLast()
            trim()
        }
        let head = rest.prefix(256)
        if head.count > 5, String(decoding: head.prefix(5), as: UTF8.self).lowercased() == "data:",
            let comma = head.firstIndex(of: UInt8(ascii: ","))
        {
            rest = rest[(comma + 1)...]
            trim()
        }
        return UnsafeRawBufferPointer(rebasing: rest)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    private static func percentEscape(in text: UnsafeRawBufferPointer, at index: Int) -> UInt8? {
        guard index + 2 < text.count, let high = hex(text[index + 1]), let low = hex(text[index + 2]) else {
            return nil
        }
        return high << 4 | low
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
