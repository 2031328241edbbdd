import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Handles the parts of an exchange that no route can: one request at a time and its response.
///
/// - `Expect: 100-continue`, for which curl and others wait before they send a large body, is answered when the body is
///   wanted (`BodyWanted`). A final response that comes before refuses the body, and the connection ends with it.
/// - A body that is wanted has a deadline and a minimum rate. When it misses them, its reader gets `BodyTimeoutError`, and
///   the connection, or the stream of HTTP/2, ends with the response.
/// - Malformed requests are answered with 400 or 431 in the shape of all errors.
/// - After the response, only a limited rest of the body is read, so that the client gets to its response.
/// - The work of a request is canceled when its client disconnects (`DisconnectWatch`).
final class ExchangeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let maxUnwanted: Int
    private let isContended: @Sendable () -> Bool
    /// The guard of the connection, also for a stream of HTTP/2.
    private(set) var connection: ConnectionGuard?
    private var persistence: PersistenceHandler?
    private var isHTTP1: Bool { persistence != nil }
    /// The current request; nil between two.
    private(set) var exchange: Exchange?
    private var watch: DisconnectWatch?
    /// Whether the server is ready for more bytes.
    private(set) var isReading = false
    private var hasHeldRead = false
    /// Whether the connection takes no further request.
    var endsWithAnswer = false
    /// Whether nothing more is taken from the client.
    private var hasEnded = false {
        didSet { if hasEnded { persistence?.end() } }
    }
    /// The deadline of the current body.
    let bodyDeadline = BodyDeadline()
    private var probe = DisconnectProbe()
    private var output = StreamOutput()

    /// - Parameters:
    ///   - maxUnwanted: bytes of a body that are read after its request was answered.
    ///   - isContended: whether requests wait for others.
    init(maxUnwanted: Int, isContended: @escaping @Sendable () -> Bool) {
        self.maxUnwanted = maxUnwanted
        self.isContended = isContended
    }

    /// Observes the client of the current request until its response is complete.
    func set(_ watch: DisconnectWatch, isActive: Bool) {
        if isActive, exchange?.isAnswered == false { self.watch = watch } else { watch.disconnect() }
    }

    // MARK: Inbound

    func handlerAdded(context: ChannelHandlerContext) {
        do {
            persistence = try PersistenceHandler.added(to: context.pipeline.syncOperations)
        } catch {
            context.fireErrorCaught(error)
        }
        // The guard of a stream is its connection's.
        let channel = isHTTP1 ? context.channel : context.channel.parent
        connection = try? channel?.pipeline.syncOperations.handler(type: ConnectionGuard.self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            exchange = Exchange(head, isOld: persistence?.isOld ?? false)
            connection?.exchangeBegan()
        case .body(let part):
            exchange?.received(part.readableBytes)
            bodyDeadline.received(part.readableBytes)
            if exchange?.unwanted ?? 0 > maxUnwanted { return end(context) }
        case .end:
            exchange?.ended()
            bodyDeadline.stop()
            if exchange?.isAnswered == false { markInFlight() }
            finishIfComplete()
            sendProbes(context)
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        bodyDeadline.setReading(false)
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        connection = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is RequestQueue.InputEnded else { return context.fireUserInboundEventTriggered(event) }
        probe.inputEnded()
        sendProbes(context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !hasEnded else { return }  // what comes after a malformed head is no request either
        guard error is RefusedHeadError || ErrorResponse.isMalformedRequest(error), exchange?.isAnswered ?? true else {
            return context.fireErrorCaught(error)  // the reader of the body handles it
        }
        if exchange != nil { return end(context) }  // there is an answer already
        hasEnded = true
        for part in ErrorResponse(error).closingParts(isHTTP1: isHTTP1) {
            context.write(wrapOutboundOut(part), promise: nil)
        }
        writeLast(wrapOutboundOut(.end(nil)), nil, context)
    }

    // MARK: Outbound

    func read(context: ChannelHandlerContext) {
        hasHeldRead = exchange?.holdsReads ?? false
        guard !hasHeldRead else { return }
        isReading = true
        bodyDeadline.setReading(true)
        context.read()
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        switch event {
        case is BodyWanted:
            exchange?.isBodyWanted = true
            resumeReading(context)
            if exchange?.awaitsGoAhead == true {
                exchange?.awaitsGoAhead = false
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
            startPace(context)
            promise?.succeed()
        case let refusal as BodyRefused:
            if exchange?.isReceived == false, exchange?.isAnswered == false { endsWithAnswer = true }
            if let error = refusal.error { context.fireErrorCaught(error) }
            promise?.succeed()
        case is CallerKnown:
            if exchange?.isAnswered == false { markInFlight() }
            promise?.succeed()
        default:
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            probe.stop()
            if isHTTP1, exchange?.awaitsGoAhead == true || connection?.isStopping == true { endsWithAnswer = true }
            guard endsWithAnswer, isHTTP1 else { return context.write(data, promise: promise) }
            head.headerFields[.connection] = "close"
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body(let body) where !isHTTP1:
            for (part, promise) in output.parts(of: body, promise, context, connection) {
                context.write(wrapOutboundOut(.body(part)), promise: promise)
            }
        case .body:
            context.write(data, promise: promise)
        case .end:
            watch = nil
            exchange?.isAnswered = true
            if exchange?.isInFlight == true { connection?.exchangeWasAnswered() }
            exchange?.isInFlight = false
            finishIfComplete()
            if endsWithAnswer {
                hasEnded = true  // before the next request is passed on
                writeLast(data, promise, context)
            } else {
                if exchange?.isReceived == false { limitRest(context) }
                context.write(data, promise: promise)
            }
            resumeReading(context)
        }
    }

    // MARK: The exchange

    private func resumeReading(_ context: ChannelHandlerContext) {
        guard hasHeldRead else { return }
        read(context: context)
    }

    private func markInFlight() {
        if exchange?.isInFlight == false { connection?.exchangeIsInFlight() }
        exchange?.isInFlight = true
    }

    /// HTTP/2: the end of the stream ends it.
    private func finishIfComplete() {
        guard isHTTP1, let exchange, exchange.isReceived, exchange.isAnswered else { return }
        finish()
    }

    private func finish() {
        guard let exchange else { return }
        self.exchange = nil
        if exchange.isLast, isHTTP1 { hasEnded = true }
        bodyDeadline.stop()
        if exchange.isInFlight { connection?.exchangeWasAnswered() }
        connection?.exchangeEnded()
    }

    private func leave() {
        watch?.disconnect()
        watch = nil
        probe.stop()
        output.stop()
        finish()
    }

    /// Takes nothing more from a client that has its response, and ends the connection or the stream.
    func end(_ context: ChannelHandlerContext) {
        guard !hasEnded else { return }
        hasEnded = true
        close(context)
    }

    private func writeLast(_ end: NIOAny, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.cascade(to: promise)
        written.futureResult.assumeIsolated().whenSuccess { if !self.isHTTP1 { self.close(context) } }
        context.writeAndFlush(end, promise: written)
        if isHTTP1 { close(context) }
    }

    /// Tells the client that the connection ends, and closes it after a moment in which what it still sends is dropped. To
    /// close at once, with bytes unread, would make the system throw away the response on its way.
    /// A stream whose request is not complete is reset without an error instead (RFC 9113, section 8.1).
    private func close(_ context: ChannelHandlerContext) {
        if let connection, !isHTTP1 { return connection.resetStream(context) }
        let channel = context.channel
        context.close(mode: .output, promise: nil)
        context.eventLoop.scheduleTask(in: .milliseconds(500)) { channel.close(promise: nil) }
    }

    private func sendProbes(_ context: ChannelHandlerContext) {
        guard let exchange, exchange.isReceived, !exchange.isAnswered, persistence?.isOld == false else { return }
        probe.start(on: context.eventLoop, isContended: isContended) {
            context.writeAndFlush(self.wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
    }
}
