import Foundation

/// The fields of a body in the form encoding (`image=...&confidence=40`), as ranges of its bytes.
struct FormFields {
    /// Fields of a form, parts of a multipart form, or parameters of a query. Real requests have a handful.
    static let maxCount = 100
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

    /// Reads a form; `nil` where the text is none, which is where no field is an image. Base64 has no ampersand, so that it is one
    /// field to look at.
    /// - Throws: `ServingError.tooManyFields`.
    init?(_ bytes: UnsafeRawBufferPointer) throws {
        var end = bytes.count
        while end > 0, bytes[end - 1] == 32 || (9...13).contains(bytes[end - 1]) { end -= 1 }
        var fields: [Field] = []
        var imageIndex: Int?
        var start = 0
        while start < end, let base = bytes.baseAddress {
            let hit = memchr(base + start, Int32(UInt8(ascii: "&")), end - start)
            let stop = hit.map { base.distance(to: UnsafeRawPointer($0)) } ?? end
            if stop > start {
                guard fields.count < Self.maxCount else { throw ServingError.tooManyFields(limit: Self.maxCount) }
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

    private static func field(in bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Field {
        // A name is short; what has no equals sign near its beginning is a name without a value.
        let head = range.prefix(256)
        let equals = bytes[head.lowerBound..<head.upperBound].firstIndex(of: UInt8(ascii: "=")) ?? range.upperBound
        return Field(
            name: range.lowerBound..<equals, value: min(equals + 1, range.upperBound)..<range.upperBound)
    }

    /// The image as it was sent: base64, which resolves escapes itself, or an address, decoded.
    var image: [UInt8] {
        let value = bytes[fields[imageIndex].value]
        // In base64 an escape is a plus sign, a slash or padding; in an address it may be anything.
        guard value.prefix(256).contains(UInt8(ascii: "%")) else { return [UInt8](value) }
        return Parameters.formDecoded(value)
    }

    /// The other fields. Those whose name or value is too large to be a parameter are left out.
    var parameters: [(name: String, value: String)] {
        fields.enumerated().compactMap { index, field in
            guard index != imageIndex, field.name.count <= 256, field.value.count <= Self.maxValueSize else {
                return nil
            }
            let (name, value) = (Parameters.formDecoded(bytes[field.name]), Parameters.formDecoded(bytes[field.value]))
            return (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
    }
}
