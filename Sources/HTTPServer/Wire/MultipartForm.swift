import Foundation

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

    /// Finds the parts. What is malformed ends the search; the parts before it count.
    /// - Throws: `RequestError.tooManyFields`, `RequestError.partHeadTooLarge`.
    init(_ bytes: UnsafeRawBufferPointer, boundary: String) throws {
        var parts: [Part] = []
        var count = 0
        let delimiter = Array("--\(boundary)".utf8)
        var at = bytes.firstRange(of: delimiter, from: 0)?.upperBound
        while let start = at {
            // The delimiter is followed by a line break, or by two dashes at the end.
            guard start + 2 <= bytes.count, !(bytes[start] == 0x2D && bytes[start + 1] == 0x2D) else { break }
            count += 1
            guard count <= FormFields.maxCount else { throw RequestError.tooManyFields(limit: FormFields.maxCount) }
            let limit = min(start + 4 + Self.maxHeadSize, bytes.count)
            guard let head = bytes.firstRange(of: [0x0D, 0x0A], from: start, to: min(start + 80, limit)) else { break }
            guard let headEnd = bytes.firstRange(of: [0x0D, 0x0A, 0x0D, 0x0A], from: head.lowerBound, to: limit)
            else {
                if limit < bytes.count { throw RequestError.partHeadTooLarge(limit: Self.maxHeadSize) }
                break
            }
            guard let end = bytes.firstRange(of: [0x0D, 0x0A] + delimiter, from: headEnd.upperBound - 2) else { break }
            let header = String(streamSafe: bytes[head.upperBound..<max(headEnd.lowerBound, head.upperBound)])
            if let name = Self.parameter("name", in: header) {
                parts.append(
                    Part(
                        name: name, filename: Self.parameter("filename", in: header),
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
        for piece in contentType.split(separator: ";").dropFirst() {
            let pair = piece.split(separator: "=", maxSplits: 1)
            if pair.count == 2, pair[0].trimmingCharacters(in: .whitespaces).lowercased() == "boundary" {
                let value = pair[1].trimmingCharacters(in: .whitespaces).trimmingCharacters(in: ["\""])
                return value.isEmpty || value.utf8.count > maxBoundaryLength ? nil : value
            }
        }
        return nil
    }

    /// A parameter of the `Content-Disposition` line.
    private static func parameter(_ name: String, in header: String) -> String? {
        guard
            let line = header.split(whereSeparator: \.isNewline).first(where: {
                $0.lowercased().hasPrefix("content-disposition:")
            })
        else { return nil }
        for piece in line.split(separator: ";").dropFirst() {
            let pair = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2, pair[0].trimmingCharacters(in: .whitespaces).lowercased() == name {
                return pair[1].trimmingCharacters(in: .whitespaces).trimmingCharacters(in: ["\""])
            }
        }
        return nil
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
}
