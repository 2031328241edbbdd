package import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation
package import NIOCore
import Serving

/// Where the image of a request is.
package enum ImageSource: Sendable {
    /// An image file: bytes of the body as they came.
    case body(ByteBuffer)
    /// An image file that was decoded from base64.
    case data(Data)
    /// An address that the server is to fetch.
    case url(String)
    case none
}

extension ImageSource {
    /// The image for the service; a `data:` address is decoded. `nil` if the request has no image.
    /// - Throws: `ServiceError`.
    func input() throws -> ImageInput? {
        switch self {
        case .body(let buffer): return .encoded(BufferBytes(buffer: buffer))
        case .data(let data): return .encoded(data)
        case .none: return nil
        case .url(let address):
            let text = address.trimmingCharacters(in: .whitespacesAndNewlines)
            guard text.prefix(5).lowercased() == "data:" else { return .url(text) }
            guard text.prefix(512).lowercased().contains("base64") else { throw ServiceError.invalidURL }
            return .encoded(try ImageBody.base64(ByteBuffer(string: text)))
        }
    }
}

/// The readable bytes of a buffer, without a copy.
struct BufferBytes: ContiguousBytes, Sendable {
    let buffer: ByteBuffer

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try buffer.withUnsafeReadableBytes(body)
    }
}

/// The body of a request. Its content determines how it is read, because its media type may be wrong.
package struct ImageBody: Sendable {
    package let image: ImageSource
    /// The other fields of a form, or the other members of a JSON body.
    var fields: [(name: String, value: String)] = []
    /// Names of fields of a form whose values are too large to be a parameter.
    private(set) var oversized: Set<String> = []

    /// - Parameters:
    ///   - buffer: the whole body.
    ///   - contentType: only believed for the boundary of a multipart form, where the body does not begin with one.
    package init(_ buffer: ByteBuffer, contentType: String?) throws {
        if let boundary = buffer.withUnsafeReadableBytes(MultipartForm.boundary(body:))
            ?? MultipartForm.boundary(contentType: contentType ?? "")
        {
            try self.init(multipart: buffer, boundary: boundary)
        } else {
            try self.init(content: buffer)
        }
    }

    private init(image: ImageSource, fields: [(name: String, value: String)] = []) {
        self.image = image
        self.fields = fields
    }

    private init(multipart buffer: ByteBuffer, boundary: String) throws {
        let form = try buffer.withUnsafeReadableBytes { try MultipartForm($0, boundary: boundary) }
        // Browsers send a file field that was left alone as an empty part.
        let filled = form.parts.filter { !$0.content.isEmpty }
        let parts = filled.isEmpty ? form.parts : filled
        let files = parts.filter { $0.filename != nil }
        let part =
            parts.first { $0.name == "file" } ?? parts.first { $0.name == "image" }
            ?? (files.count == 1 ? files[0] : nil)
        guard let part, let content = buffer.slice(part.content) else { throw RequestError.missingFilePart }
        try self.init(content: content)
        for other in form.parts where other.name != part.name {
            guard other.content.count <= FormFields.maxValueSize else {
                oversized.insert(other.name)
                continue
            }
            guard let value = buffer.slice(other.content) else { continue }
            fields.append((other.name, String(streamSafe: value.readableBytesView)))
        }
    }

    private init(content buffer: ByteBuffer) throws {
        let view = buffer.readableBytesView
        if ImageFormat(signature: view) != nil || ForeignFormat(signature: view) != nil {
            self.init(image: .body(buffer))
            return
        }
        guard !view.starts(with: [0xFF, 0xFE]), !view.starts(with: [0xFE, 0xFF]) else {
            throw RequestError.notUTF8
        }
        let mark = view.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let start = buffer.withUnsafeReadableBytes { bytes in
            view.startIndex + (bytes[mark...].firstIndex { !($0 == 32 || (9...13).contains($0)) } ?? bytes.count)
        }
        guard start < view.endIndex else {
            self.init(image: .none)
            return
        }
        switch view[start] {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            self = try buffer.withUnsafeReadableBytes { try ImageBody(json: $0) }
        case UInt8(ascii: "\"") where view.contains(UInt8(ascii: "\\")):
            // A JSON string with escapes, such as `\/`.
            guard let text = try? JSONDecoder().decode(String.self, from: Data(buffer.readableBytesView)) else {
                throw ServiceError.malformedBase64
            }
            try self.init(text: text)
        default:
            let form = try buffer.withUnsafeReadableBytes { bytes in
                try FormFields(UnsafeRawBufferPointer(rebasing: bytes[(start - view.startIndex)...])).map {
                    (image: $0.image, parameters: $0.parameters, oversized: $0.oversized)
                }
            }
            guard let form else {
                self.init(image: .data(try Self.base64(buffer)))
                return
            }
            guard !form.image.isEmpty else { throw ServiceError.missingImage }
            self = try form.image.withUnsafeBytes { try ImageBody(text: $0) }
            (fields, oversized) = (form.parameters, form.oversized)
        }
    }

    /// Text that is an address or base64.
    private init(text: String) throws {
        var text = text
        self = try text.withUTF8 { try ImageBody(text: UnsafeRawBufferPointer($0)) }
    }

    private init(text: UnsafeRawBufferPointer) throws {
        let start = text.firstIndex { !($0 == 32 || (9...13).contains($0)) } ?? text.endIndex
        let scheme = String(decoding: text[start...].prefix(8), as: UTF8.self).lowercased()
        if scheme.hasPrefix("http://") || scheme == "https://" {
            self.init(image: .url(String(decoding: text[start...], as: UTF8.self)))
        } else {
            self.init(image: .data(try Self.base64(text)))
        }
    }

    /// Reads `{"image": "..."}` or `{"image": {"type": "base64", "value": "..."}}`, with parameters as further members.
    /// The image or the whole body may be wrapped in a list with one element.
    private init(json bytes: UnsafeRawBufferPointer) throws {
        let json = try JSONStructure.checked(Data(borrowing: bytes))
        let body: JSONImageBody
        do {
            body = try JSONDecoder().decode(JSONImageBody.self, from: json)
        } catch let error as DecodingError {
            throw JSONStructure.syntaxError(in: json) ?? RequestError(error)
        }
        switch body.image {
        case .none:
            // A text that cannot be decoded is not found either.
            if let error = JSONStructure.syntaxError(in: json) { throw error }
            self.init(image: .none)
        case .text(let text):
            if text.isEmpty { throw ServiceError.emptyImage }
            try self.init(text: text)
        case .typed(let image):
            self.init(image: try image.source())
        case .several(let count):
            throw RequestError.invalidParameter(
                InvalidParameter(
                    location: "body", name: "image", kind: "too_long", expected: "one image",
                    input: "a list of \(count)"))
        }
        fields = body.fields
    }

    static func base64(_ buffer: ByteBuffer) throws -> Data {
        try buffer.withUnsafeReadableBytes(base64)
    }

    /// The bytes that a text in base64 stands for.
    static func base64(_ bytes: UnsafeRawBufferPointer) throws -> Data {
        do throws(Base64Body.Failure) {
            return try Base64Body.decode(bytes)
        } catch {
            throw error == .empty ? ServiceError.emptyImage : ServiceError.malformedBase64
        }
    }
}

extension Data {
    /// The bytes without a copy. It must not be used after them.
    init(borrowing bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else {
            self.init()
            return
        }
        self.init(bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: bytes.count, deallocator: .none)
    }
}

extension ByteBuffer {
    /// A part of the readable bytes, without a copy.
    fileprivate func slice(_ range: Range<Int>) -> ByteBuffer? {
        getSlice(at: readerIndex + range.lowerBound, length: range.count)
    }
}
