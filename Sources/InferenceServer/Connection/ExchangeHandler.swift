import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Looks after the exchange of one request and its answer where no route can.
///
/// - `Expect: 100-continue`, for which curl and others wait before they send a large body, is answered when the body is
///   wanted (`GoAhead`). An answer that comes before says that the body is not wanted, and the connection ends with it.
/// - What cannot be read as a request is answered with 400 or 431 in the shape of all errors.
/// - Of a body that nobody wants any more a limited amount is read, so that the client gets to its answer.
final class ExchangeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Says that a request's body is going to be read.
    struct GoAhead: Sendable {}

    private let maxUnwanted: Int
    private var isHTTP1 = false
    private var awaitsGoAhead = false
    private var isAnswering = false
    private var endsWithAnswer = false
    private var hasEnded = false
    private var unwanted = 0

    /// - Parameter maxUnwanted: bytes of a body that are read after its request was answered.
    init(maxUnwanted: Int) {
        self.maxUnwanted = maxUnwanted
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // On HTTP/1 the handler of versions must stand where versions can be seen: before the codec. HTTP/2 has no such codec.
        let pipeline = context.pipeline.syncOperations
        guard let codec = try? pipeline.handler(type: HTTP1ToHTTPServerCodec.self) else { return }
        isHTTP1 = true
        do {
            try pipeline.addHandler(PersistenceHandler(), position: .before(codec))
        } catch {
            context.fireErrorCaught(error)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            isAnswering = true
            unwanted = 0
            awaitsGoAhead =
                head.headerFields[.expect].map { $0.utf8.count == 12 && $0.lowercased() == "100-continue" } ?? false
        case .body(let part):
            awaitsGoAhead = false  // the client did not wait for it
            if !isAnswering {
                unwanted += part.readableBytes
                if unwanted > maxUnwanted { return end(context) }
            }
        case .end:
            awaitsGoAhead = false
        }
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is GoAhead else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if awaitsGoAhead {
            awaitsGoAhead = false
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
        promise?.succeed()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where awaitsGoAhead && isHTTP1:
            endsWithAnswer = true
            head.headerFields[.connection] = "close"
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end where endsWithAnswer:
            context.writeAndFlush(data, promise: promise)
            end(context)
        case .end:
            isAnswering = false
            context.write(data, promise: promise)
        default:
            context.write(data, promise: promise)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !hasEnded else { return }  // what comes after a malformed head is no request either
        guard !isAnswering, error is HTTPParserError || error is HTTP1TypeConversionError else {
            return context.fireErrorCaught(error)  // whoever reads the body is told
        }
        let answer = ErrorResponse(error)
        var head = HTTPResponse(status: answer.status)
        head.headerFields = [
            .contentType: "application/json", .contentLength: String(answer.body.count), .connection: "close",
            .server: "Silhouette",
        ]
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        end(context)
    }

    /// Ends the connection: says so to the client, then for a moment drops what it still sends. To close at once, with bytes
    /// unread, would make the system throw away the answer on its way.
    private func end(_ context: ChannelHandlerContext) {
        hasEnded = true
        let channel = context.channel
        context.close(mode: .output, promise: nil)
        context.eventLoop.scheduleTask(in: .milliseconds(500)) { channel.close(promise: nil) }
    }
}

/// Says for how long an HTTP/1 connection lasts: version 1.0 ends it with the answer unless the client asks to keep it, 1.1
/// keeps it unless the client asks to end it, and the answer says which.
private final class PersistenceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var connection: String?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        let wishes = head.headers[canonicalForm: "connection"].filter { $0.utf8.count <= 16 }.map { $0.lowercased() }
        let isOld = head.version.major < 1 || head.version == .http1_0
        if wishes.contains("close") || (isOld && !wishes.contains("keep-alive")) {
            connection = "close"
            head.headers.replaceOrAdd(name: "connection", value: "close")
        } else {
            connection = isOld ? "keep-alive" : nil
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data), let connection, head.status != .continue else {
            return context.write(data, promise: promise)
        }
        if !head.headers.contains(name: "connection") { head.headers.add(name: "connection", value: connection) }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }
}
