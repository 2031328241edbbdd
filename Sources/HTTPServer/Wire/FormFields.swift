import Foundation
import InstanceSegmentation

/// The fields of a body in the form encoding (`image=...&confidence=40`), as ranges of its bytes.
struct FormFields {
    /// Fields of a form, parts of a multipart form, or parameters of a query. Real requests have a handful.
    static let maxCount = 100
    /// Largest name of a field, in bytes.
    static let maxNameSize = 256
    /// Largest value of a field other than the image, in bytes.
    static let maxValueSize = 64 << 10

    private struct Field {
        let name: Range<Int>
        let value: Range<Int>
    }

    private static let imageNames = ["image", "file", "data", "body", "base64"]

    private let bytes: UnsafeRawBufferPointer
    private let fields: [Field]
    private let imageIndex: Int

    /// Reads a form; `nil` where no field is an image, as in base64, which has no ampersand and is thus a single field.
    /// - Throws: `RequestError.tooManyFields`.
    init?(_ bytes: UnsafeRawBufferPointer) throws {
        guard Self.isText(bytes) else { return nil }
        var end = bytes.count
        while end > 0, bytes[end - 1] == 32 || (9...13).contains(bytes[end - 1]) { end -= 1 }
        var fields: [Field] = []
        var imageIndex: Int?
        var start = 0
        while start < end, let base = bytes.baseAddress {
            let hit = memchr(base + start, Int32(UInt8(ascii: "&")), end - start)
            let stop = hit.map { base.distance(to: UnsafeRawPointer($0)) } ?? end
            if stop > start {
                guard fields.count < Self.maxCount else { throw RequestError.tooManyFields(limit: Self.maxCount) }
                let field = Self.field(in: bytes, start..<stop)
                if imageIndex == nil, Self.imageNames.contains(where: { bytes[field.name].elementsEqual($0.utf8) }) {
                    imageIndex = fields.count
                }
                fields.append(field)
            }
            start = stop + 1
        }
        guard let imageIndex else { return nil }
        self.bytes = bytes
        self.fields = fields
        self.imageIndex = imageIndex
    }

    /// Whether the bytes begin as a text does: other data may have any number of ampersands too.
    private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let head = bytes.prefix(64)
        guard head.allSatisfy({ $0 >= 32 && $0 != 127 || (9...13).contains($0) }) else { return false }
        // A character may be cut off at the end.
        return (0...3).contains { String(validating: head.dropLast($0), as: UTF8.self) != nil }
    }

    private static func field(in bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Field {
        // A name is short; what has no equals sign near its beginning is a name without a value.
        let head = range.prefix(256)
        let equals = bytes[head.lowerBound..<head.upperBound].firstIndex(of: UInt8(ascii: "=")) ?? range.upperBound
        return Field(
            name: range.lowerBound..<equals, value: min(equals + 1, range.upperBound)..<range.upperBound)
    }

    /// The image: an address, decoded, or base64 as it was sent.
    var image: [UInt8] {
        let value = bytes[fields[imageIndex].value]
        // Escapes in base64 are left to its decoder, at less cost; of an address, or in front of base64, they are resolved here.
        let head = value.prefix(256)
        let isAddress = String(decoding: head.prefix(4), as: UTF8.self).lowercased() == "http"
        return isAddress || head.contains(UInt8(ascii: "%"))
            ? Parameters.formDecoded(UnsafeRawBufferPointer(rebasing: value)) : [UInt8](value)
    }

    /// The other fields. Those whose name or value is too large to be a parameter are left out.
    var parameters: [(name: String, value: String)] {
        others.filter { $0.value.count <= Self.maxValueSize }.map { (decoded($0.name), decoded($0.value)) }
    }

    /// The names of the other fields whose value is too large to be a parameter.
    var oversized: Set<String> {
        Set(others.filter { $0.value.count > Self.maxValueSize }.map { decoded($0.name) })
    }

    /// The fields other than the image whose name may be that of a parameter.
    private var others: [Field] {
        fields.enumerated().filter { $0 != imageIndex && $1.name.count <= Self.maxNameSize }.map(\.element)
    }

    private func decoded(_ range: Range<Int>) -> String {
        String(streamSafe: Parameters.formDecoded(UnsafeRawBufferPointer(rebasing: bytes[range])))
    }
}
