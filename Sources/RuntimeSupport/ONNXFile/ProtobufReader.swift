import Foundation

/// Reads the fields of a message in protobuf's wire format. Nothing is copied: what a field holds is a range of the bytes.
///
/// Source: protobuf.dev, *Encoding*.
struct ProtobufReader: Sequence, IteratorProtocol {
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

    private let bytes: Data
    private var position: Int
    private let end: Int
    /// Whether everything so far could be read.
    private(set) var isIntact = true

    init(_ bytes: Data, _ range: Range<Int>? = nil) {
        let range = range ?? bytes.startIndex..<bytes.endIndex
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    mutating func next() -> Field? {
        guard isIntact, position < end else { return nil }
        let start = position
        guard let tag = varint() else { return fail() }
        let number = Int(truncatingIfNeeded: tag >> 3)
        guard number > 0 else { return fail() }  // as in a file of zeros
        var (value, content) = (UInt64(0), start..<start)
        switch tag & 7 {
        case 0:
            guard let read = varint() else { return fail() }
            value = read
        case 1:
            guard let read = fixed(8) else { return fail() }
            value = read
        case 2:
            guard let length = varint(), length <= UInt64(end - position) else { return fail() }
            content = position..<position + Int(length)
            position += Int(length)
        case 5:
            guard let read = fixed(4) else { return fail() }
            value = read
        default: return fail()
        }
        return Field(number: number, content: content, value: value, whole: start..<position)
    }

    private mutating func fail() -> Field? {
        isIntact = false
        return nil
    }

    private mutating func fixed(_ count: Int) -> UInt64? {
        guard end - position >= count else { return nil }
        defer { position += count }
        return (0..<count).reduce(0) { $0 | UInt64(bytes[position + $1]) << UInt64(8 * $1) }
    }

    mutating func varint() -> UInt64? {
        var result: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard position < end else { return nil }
            let byte = bytes[position]
            position += 1
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
        }
        return nil
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

    /// A field with a length.
    static func append(field: Int, _ content: Data, to bytes: inout Data) {
        append(UInt64(field) << 3 | 2, to: &bytes)
        append(UInt64(content.count), to: &bytes)
        bytes.append(content)
    }
}
