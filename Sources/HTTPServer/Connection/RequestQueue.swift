import NIOCore
import NIOHTTP1
import Serving

/// Passes on one request of an HTTP/1 connection at a time: the next one only when the response to the one before is
/// complete and being read. Meanwhile nothing is read from the client. The requests that have already arrived are
/// bounded. They and the head of the request that is being answered take their memory, beyond a small part, from that
/// of all heads.
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

    /// Maximum size of the waiting requests in memory, and the memory that every connection has without drawing it from
    /// that of all heads. A client that sends more, or for whose requests there is no memory, is disconnected after the
    /// responses to those that wait.
    private static let (maxWaitingBytes, freeBytes) = (256 << 10, 16 << 10)

    private let input: RequestInput?
    private var budget: HeadBudget?
    private var waiting = CircularBuffer<Waiting>(initialCapacity: 0)
    private var waitingBytes = 0
    /// The memory of the head that was passed on, until its response is complete.
    private var passedBytes = 0
    private var takesNoMore = false
    /// Whether nothing is decoded behind the request that arrives.
    private var endsDecoding = false
    /// Whether a request was passed on whose end has not been, and whose response is not complete.
    private var isReceiving = false
    private var isAnswering = false
    private var hasHeldRead = false

    private var isBusy: Bool { isAnswering && !isReceiving }

    /// - Parameters:
    ///   - input: what stands in front of the decoder.
    ///   - registry: has the memory for heads and for requests that wait.
    init(_ input: RequestInput?, registry: ConnectionRegistry?) {
        self.input = input
        budget = registry.map { HeadBudget(registry: $0, free: Self.freeBytes) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        input?.decoded()
        switch part {
        case .head(let head): endsDecoding = head.endsDecoding
        case .end where endsDecoding: input?.end()
        default: break
        }
        receive(.part(part), context)
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
        forget()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        forget()
    }

    func read(context: ChannelHandlerContext) {
        if isBusy || !waiting.isEmpty || !context.channel.isWritable { hasHeldRead = true } else { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        isAnswering = false
        passedBytes = 0
        holdMemory()
        context.write(data, promise: promise)
        resume(context)
    }

    private func receive(_ event: Waiting, _ context: ChannelHandlerContext) {
        guard !takesNoMore else { return }
        if waiting.isEmpty, canPass(event, context) { return pass(event, context) }
        let bytes = waitingBytes + Self.size(of: event)
        if bytes <= Self.maxWaitingBytes, budget?.hold(bytes + passedBytes) ?? true {
            waitingBytes = bytes
            waiting.append(event)
        } else {
            takesNoMore = true
            input?.end()
            waitingBytes += Self.size(of: .inputClosed)
            waiting.append(.inputClosed)
        }
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
            switch part {
            case .head(let head):
                guard holdHead(head) else { return refuse(context) }
                (isReceiving, isAnswering) = (true, true)
            case .end: isReceiving = false
            case .body: break
            }
            context.fireChannelRead(wrapInboundOut(part))
        case .error(let error):
            context.fireErrorCaught(error)
        case .inputClosed:
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    /// Takes the memory of a head until its response is complete. The request keeps the target a second time.
    /// - Returns: whether there is memory for it.
    private func holdHead(_ head: HTTPRequestHead) -> Bool {
        let bytes = Self.size(of: .part(.head(head))) + head.uri.utf8.count
        guard budget?.hold(waitingBytes + bytes) ?? true else { return false }
        passedBytes = bytes
        return true
    }

    /// Answers a request for whose head there is no memory, and ends the connection.
    private func refuse(_ context: ChannelHandlerContext) {
        forget()
        input?.end()
        context.fireErrorCaught(RefusedHeadError(cause: ServiceError.overloaded(retryAfter: 1)))
    }

    /// Returns memory that is no longer needed.
    private func holdMemory() {
        _ = budget?.hold(waitingBytes + passedBytes)
    }

    private func resume(_ context: ChannelHandlerContext) {
        var hasPassed = false
        while let event = waiting.first, canPass(event, context) {
            waiting.removeFirst()
            waitingBytes -= Self.size(of: event)
            pass(event, context)
            hasPassed = true
        }
        if hasPassed {
            holdMemory()
            context.fireChannelReadComplete()
        }
        guard hasHeldRead, !isBusy, waiting.isEmpty, context.channel.isWritable else { return }
        hasHeldRead = false
        // From the end of the pipeline: later handlers may hold the read too, and learn from it that the server reads.
        context.channel.read()
    }

    private func forget() {
        takesNoMore = true
        waiting.removeAll()
        (waitingBytes, passedBytes) = (0, 0)
        budget?.release()
    }
}
