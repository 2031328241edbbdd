import Foundation
import InstanceSegmentation

/// The parts of a `multipart/form-data` body (RFC 7578), as ranges of its bytes.
struct MultipartForm {
    struct Part {
        let name: String
        /// `nil` for a plain field.
        let filename: String?
        let content: Range<Int>
    }

    let parts: [Part]

    /// Largest head of a part in bytes.
    static let maxHeadSize = 8 << 10
    /// RFC 2046 allows 70 characters; some libraries make longer ones.
    private static let maxBoundaryLength = 256

    /// Finds the parts. What is malformed ends the search; the parts before it count. Lines may end with a line feed alone.
    /// - Throws: `RequestError.tooManyFields`, `RequestError.partHeadTooLarge`.
    init(_ bytes: UnsafeRawBufferPointer, boundary: String) throws {
        var parts: [Part] = []
        var count = 0
        let delimiter = Array("--\(boundary)".utf8)
        var at = bytes.firstRange(of: delimiter, from: 0)?.upperBound
        let lineEnd: [UInt8] = at.map { $0 < bytes.count && bytes[$0] == 0x0A } == true ? [0x0A] : [0x0D, 0x0A]
        while let start = at {
            // The delimiter is followed by a line break, or by two dashes at the end.
            guard start + 2 <= bytes.count, !(bytes[start] == 0x2D && bytes[start + 1] == 0x2D) else { break }
            count += 1
            guard count <= FormFields.maxCount else { throw RequestError.tooManyFields(limit: FormFields.maxCount) }
            let limit = min(start + 2 * lineEnd.count + Self.maxHeadSize, bytes.count)
            guard let head = bytes.firstRange(of: lineEnd, from: start, to: min(start + 80, limit)) else { break }
            guard let headEnd = bytes.firstRange(of: lineEnd + lineEnd, from: head.lowerBound, to: limit)
            else {
                if limit < bytes.count { throw RequestError.partHeadTooLarge(limit: Self.maxHeadSize) }
                break
            }
            guard let end = bytes.nextDelimiter(lineEnd + delimiter, from: headEnd.upperBound - lineEnd.count) else {
                break
            }
            let header = String(streamSafe: bytes[head.upperBound..<max(headEnd.lowerBound, head.upperBound)])
            let disposition = HeaderParameters(contentDispositionIn: header)
            if let name = disposition["name"] {
                parts.append(
                    Part(
                        name: name, filename: disposition["filename"],
                        content: min(headEnd.upperBound, end.lowerBound)..<end.lowerBound))
            }
            at = end.upperBound
        }
        self.parts = parts
    }

    /// The boundary of a content type, `nil` where it is no multipart form.
    static func boundary(contentType: String) -> String? {
        guard contentType.utf8.count <= maxHeadSize, contentType.utf8.allSatisfy({ $0 < 0x80 }),
            contentType.lowercased().hasPrefix("multipart/form-data")
        else { return nil }
        let value = HeaderParameters(contentType)["boundary"]
        return value.flatMap { $0.isEmpty || $0.utf8.count > maxBoundaryLength ? nil : $0 }
    }

    /// The boundary that a body begins with, for clients that lose it on the way to the content type.
    static func boundary(body: UnsafeRawBufferPointer) -> String? {
        let head = body.prefix(maxBoundaryLength + 512)
        guard head.starts(with: [0x2D, 0x2D]), let end = head.firstIndex(of: 0x0A) else { return nil }
        let line = head[2..<end].last == 0x0D ? head[2..<end - 1] : head[2..<end]
        guard !line.isEmpty, line.count <= maxBoundaryLength, line.allSatisfy({ (0x20...0x7E).contains($0) }),
            String(decoding: head[end...], as: UTF8.self).lowercased().contains("content-disposition:")
        else { return nil }
        return String(decoding: line, as: UTF8.self)
    }
}

extension UnsafeRawBufferPointer {
    /// The first place of a sequence of bytes between two offsets, by default to the end.
    fileprivate func firstRange(of pattern: [UInt8], from start: Int, to end: Int? = nil) -> Range<Int>? {
        let end = end ?? count
        guard let base = baseAddress, let first = pattern.first, start >= 0 else { return nil }
        var at = start
        while at + pattern.count <= end {
            guard let hit = memchr(base + at, Int32(first), end - at - pattern.count + 1) else { return nil }
            let found = base.distance(to: UnsafeRawPointer(hit))
            if memcmp(base + found, pattern, pattern.count) == 0 { return found..<found + pattern.count }
            at = found + 1
        }
        return nil
    }

    /// The next delimiter that is not the beginning of a longer one.
    fileprivate func nextDelimiter(_ pattern: [UInt8], from start: Int) -> Range<Int>? {
        var at = start
        while let found = firstRange(of: pattern, from: at) {
            // A line break, blanks before it, or the dashes of the last delimiter.
            if found.upperBound == count || [0x0D, 0x0A, 0x20, 0x09, 0x2D].contains(self[found.upperBound]) {
                return found
            }
            at = found.lowerBound + 1
        }
        return nil
    }
}
