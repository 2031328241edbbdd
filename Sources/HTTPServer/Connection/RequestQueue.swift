import NIOCore
import NIOHTTP1

/// Passes on one request of an HTTP/1 connection at a time: the next one only when the response to the one before is
/// complete and being read. Meanwhile nothing is read from the client, and what has already arrived is bounded.
final class RequestQueue: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Says at once that the client sends nothing more, while `ChannelEvent.inputClosed` waits for the requests before it.
    struct InputEnded: Sendable {}

    private enum Waiting {
        case part(HTTPServerRequestPart)
        case error(any Error)
        case inputClosed
    }

    /// Maximum size of the waiting requests in memory; a client that sends more is disconnected after their responses.
    private static let maxWaitingBytes = 1 << 20

    private var waiting = CircularBuffer<Waiting>(initialCapacity: 0)
    private var waitingBytes = 0
    private var takesNoMore = false
    /// Whether a request was passed on whose end has not been, and whose response is not complete.
    private var isReceiving = false
    private var isAnswering = false
    private var hasHeldRead = false

    private var isBusy: Bool { isAnswering && !isReceiving }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        receive(.part(unwrapInboundIn(data)), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Other errors are about the connection.
        if error is HTTPParserError { receive(.error(error), context) } else { context.fireErrorCaught(error) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        context.fireUserInboundEventTriggered(InputEnded())
        receive(.inputClosed, context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.fireChannelWritabilityChanged()
        resume(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        takesNoMore = true
        waiting.removeAll()
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        if isBusy || !waiting.isEmpty || !context.channel.isWritable { hasHeldRead = true } else { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        isAnswering = false
        context.write(data, promise: promise)
        resume(context)
    }

    private func receive(_ event: Waiting, _ context: ChannelHandlerContext) {
        guard !takesNoMore else { return }
        if waiting.isEmpty, canPass(event, context) { return pass(event, context) }
        waitingBytes += Self.size(of: event)
        guard waitingBytes <= Self.maxWaitingBytes else {
            takesNoMore = true
            waiting.append(.inputClosed)
            waitingBytes += Self.size(of: .inputClosed) - Self.size(of: event)
            return
        }
        waiting.append(event)
    }

    /// About what an event takes in memory.
    private static func size(of event: Waiting) -> Int {
        switch event {
        case .part(.head(let head)):
            head.headers.reduce(512 + head.uri.utf8.count) { $0 + 64 + $1.name.utf8.count + $1.value.utf8.count }
        case .part(.body(let part)): 128 + part.readableBytes
        case .part(.end), .error, .inputClosed: 128
        }
    }

    private func canPass(_ event: Waiting, _ context: ChannelHandlerContext) -> Bool {
        switch event {
        case .part(.head): !isBusy && context.channel.isWritable
        case .part: true
        case .error: !isBusy
        case .inputClosed: true
        }
    }

    private func pass(_ event: Waiting, _ context: ChannelHandlerContext) {
        switch event {
        case .part(let part):
            if case .head = part { (isReceiving, isAnswering) = (true, true) }
            if case .end = part { isReceiving = false }
            context.fireChannelRead(wrapInboundOut(part))
        case .error(let error):
            context.fireErrorCaught(error)
        case .inputClosed:
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    private func resume(_ context: ChannelHandlerContext) {
        var hasPassed = false
        while let event = waiting.first, canPass(event, context) {
            waiting.removeFirst()
            waitingBytes -= Self.size(of: event)
            pass(event, context)
            hasPassed = true
        }
        if hasPassed { context.fireChannelReadComplete() }
        guard hasHeldRead, !isBusy, waiting.isEmpty, context.channel.isWritable else { return }
        hasHeldRead = false
        context.read()
    }
}
