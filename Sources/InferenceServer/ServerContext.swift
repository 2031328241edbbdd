import Hummingbird
import NIOCore

/// What goes with a request: the connection that it came on.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

extension Request {
    /// The whole body, refused as soon as it is known to be too large. A client that waits with its body is told to go ahead.
    func collectedBody(limit: Int, context: ServerContext) async throws -> ByteBuffer {
        if let encoding = headers[.contentEncoding], encoding.utf8.count > 64 || encoding.lowercased() != "identity" {
            throw ServingError.unsupportedContentEncoding(encoding)
        }
        let announced = headers[.contentLength].flatMap { Int($0) }
        if let announced, announced > limit { throw ServingError.bodyTooLarge(limit: limit, size: announced) }
        if headers[.expect] != nil { context.channel.triggerUserOutboundEvent(ExchangeHandler.GoAhead(), promise: nil) }
        var whole = ByteBuffer()
        whole.reserveCapacity(min(announced ?? 0, limit))
        for try await part in body {
            guard whole.readableBytes + part.readableBytes <= limit else {
                throw ServingError.bodyTooLarge(limit: limit, size: nil)
            }
            whole.writeImmutableBuffer(part)
        }
        return whole
    }
}
