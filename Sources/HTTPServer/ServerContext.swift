import Hummingbird
import NIOCore

/// What goes with a request: the connection that it came on, what it asks for, and what becomes known of it.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// Identifies the request in the answer and in the log.
    var requestID = ""
    var route = Route.unknown
    /// Those of the query.
    var parameters = Parameters(query: nil)
    let record = RequestRecord()

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

extension ServerContext {
    /// Notes that the caller has shown a key: its connection is not evicted while its body arrives.
    func callerIsKnown() {
        channel.triggerUserOutboundEvent(ExchangeHandler.CallerKnown(), promise: nil)
    }
}

extension Request {
    /// Largest capacity that is reserved before any byte of a body has arrived.
    private static let maxInitialCapacity = 1 << 20

    /// Reads the whole body. A body that is known to be too large is refused at once, and a client that waits with its body
    /// is told to go ahead.
    /// - Parameters:
    ///   - limit: maximum size in bytes.
    ///   - reserve: called with each part before it is kept; nothing more is read until it returns. What it throws ends the reading.
    ///   - prepare: called before anything is read.
    /// - Throws: `RequestError`, `BodyTimeoutError`, and what the closures throw.
    func collectedBody(
        limit: Int, context: ServerContext, reserve: (ByteBuffer) async throws -> Void = { _ in },
        prepare: () async throws -> Void = {}
    ) async throws -> ByteBuffer {
        if let encoding = headers[.contentEncoding], encoding.utf8.count > 64 || encoding.lowercased() != "identity" {
            throw RequestError.unsupportedContentEncoding(encoding)
        }
        let announced = headers[.contentLength].flatMap { Int($0) }
        if let announced, announced > limit { throw RequestError.bodyTooLarge(limit: limit, size: announced) }
        try await prepare()
        context.channel.triggerUserOutboundEvent(ExchangeHandler.BodyWanted(), promise: nil)
        var whole = ByteBuffer()
        whole.reserveCapacity(max(0, min(announced ?? 0, limit, Self.maxInitialCapacity)))
        for try await part in body {
            guard part.readableBytes <= limit - whole.readableBytes else {
                throw RequestError.bodyTooLarge(limit: limit, size: nil)
            }
            try await reserve(part)
            whole.writeImmutableBuffer(part)  // doubles the capacity when it is used up
        }
        return whole
    }
}
