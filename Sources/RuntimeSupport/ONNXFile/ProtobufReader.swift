import Foundation

/// Reads the fields of a message in protobuf's wire format. The contents of a field are not read: they are a range of the bytes.
///
/// Source: protobuf.dev, *Encoding*.
struct ProtobufReader {
    /// One field of a message.
    struct Field {
        let number: Int
        /// The bytes of a message, a string or packed numbers; empty for a number.
        let content: Range<Int>
        /// The number; 0 for what has a length.
        let value: UInt64
        /// All of it, with its tag.
        let whole: Range<Int>
    }

    private let bytes: ByteWindow
    private var position: Int
    private let end: Int
    /// Whether everything so far could be read.
    private(set) var isIntact = true

    init(_ bytes: ByteWindow, _ range: Range<Int>? = nil) {
        self.bytes = bytes
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? bytes.source.size
    }

    /// The next field; `nil` at the end, and where the bytes are not a field.
    /// - Throws: `unreadable` and `tooMany`; `malformed` where the file ends early.
    mutating func next() throws(ONNXHeader.Refusal) -> Field? {
        guard isIntact, position < end else { return nil }
        try bytes.countField()
        let start = position
        guard let tag = try varint() else { return fail() }
        let number = Int(truncatingIfNeeded: tag >> 3)
        guard number > 0 else { return fail() }  // as in a file of zeros
        var (value, content) = (UInt64(0), start..<start)
        switch tag & 7 {
        case 0:
            guard let read = try varint() else { return fail() }
            value = read
        case 1:
            guard let read = try fixed(8) else { return fail() }
            value = read
        case 2:
            guard let length = try varint(), length <= UInt64(end - position) else { return fail() }
            content = position..<position + Int(length)
            position += Int(length)
        case 5:
            guard let read = try fixed(4) else { return fail() }
            value = read
        default: return fail()
        }
        return Field(number: number, content: content, value: value, whole: start..<position)
    }

    /// The next field of a number; `nil` where there is none before the end.
    mutating func first(_ number: Int) throws(ONNXHeader.Refusal) -> Field? {
        while let field = try next() {
            if field.number == number { return field }
        }
        return nil
    }

    private mutating func fail() -> Field? {
        isIntact = false
        return nil
    }

    private mutating func fixed(_ count: Int) throws(ONNXHeader.Refusal) -> UInt64? {
        guard end - position >= count else { return nil }
        var result: UInt64 = 0
        for index in 0..<count { result |= UInt64(try bytes.byte(at: position + index)) << UInt64(8 * index) }
        position += count
        return result
    }

    mutating func varint() throws(ONNXHeader.Refusal) -> UInt64? {
        var result: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard position < end else { return nil }
            let byte = try bytes.byte(at: position)
            position += 1
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
        }
        return nil
    }
}

extension ProtobufReader {
    /// The text of the first field of a number.
    static func text(
        of number: Int, in bytes: ByteWindow, _ range: Range<Int>
    ) throws(ONNXHeader.Refusal) -> String? {
        var reader = ProtobufReader(bytes, range)
        guard let field = try reader.first(number) else { return nil }
        return try bytes.text(field.content)
    }

    /// The texts of the fields 1 and 2: a name and what it stands for. Of a field that is repeated the last one counts, as for protobuf's own
    /// readers.
    static func entry(
        in bytes: ByteWindow, _ range: Range<Int>
    ) throws(ONNXHeader.Refusal) -> (key: String?, value: String?) {
        var (key, value) = (String?.none, String?.none)
        var reader = ProtobufReader(bytes, range)
        while let field = try reader.next() {
            switch field.number {
            case 1: key = try bytes.text(field.content)
            case 2: value = try bytes.text(field.content)
            default: break
            }
        }
        return (key, value)
    }
}

/// Writes what protobuf's wire format needs around bytes that stay as they are.
enum ProtobufWriter {
    static func append(_ value: UInt64, to bytes: inout Data) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// What precedes the content of a field with a length.
    static func append(field: Int, length: Int, to bytes: inout Data) {
        append(UInt64(field) << 3 | 2, to: &bytes)
        append(UInt64(length), to: &bytes)
    }

    /// A field with a length.
    static func append(field: Int, _ content: Data, to bytes: inout Data) {
        append(field: field, length: content.count, to: &bytes)
        bytes.append(content)
    }
}
