import HTTPTypes
import Hummingbird

/// How large the head of a request may be.
enum RequestHead {
    /// Most bytes of the address: room for a small image as a `data:` address in `image=`.
    static let maxTarget = 1 << 20
    /// Most bytes of the path, without the query.
    static let maxPath = 8 << 10
    /// Most header fields that are received at all.
    static let maxFields = 256
    /// Most bytes of all headers together.
    static let maxHeaders = 64 << 10
    /// Most bytes of one field or address that are received at all: enough to answer requests that are somewhat too large.
    static let maxReceivedField = maxTarget + maxTarget / 4
    /// Most bytes of a head that are received at all.
    static let maxReceived = maxReceivedField + maxHeaders

    /// - Throws: `RequestError.pathTooLong`, `RequestError.targetTooLong`, `RequestError.headersTooLarge`,
    ///   `RequestError.tooManyFields`.
    static func check(_ request: Request) throws {
        guard request.uri.path.utf8.count <= maxPath else { throw RequestError.pathTooLong }
        guard request.uri.string.utf8.count <= maxTarget else { throw RequestError.targetTooLong }
        let separators = request.uri.query?.utf8.count { $0 == UInt8(ascii: "&") } ?? 0
        guard separators < FormFields.maxCount else { throw RequestError.tooManyFields(limit: FormFields.maxCount) }
        let size = request.headers.reduce(0) { $0 + $1.name.rawName.utf8.count + $1.value.utf8.count }
        // Texts that are not ASCII take long to compare.
        let isLong = request.headers.contains { $0.value.utf8.count > 1024 && $0.value.utf8.contains { $0 >= 0x80 } }
        guard size <= maxHeaders, !isLong else { throw RequestError.headersTooLarge }
    }
}
