import NIOCore
import NIOHTTP2
import NIOHTTPTypesHTTP2

/// Keeps the deadlines of one connection, from in front of TLS and HTTP: for heads, for idleness, and for responses that
/// are not read. It also bounds the memory of handshakes. It knows of requests what `ExchangeHandler` tells it.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// The connection's limits.
    let limits: ConnectionLimits
    /// All connections.
    let registry: ConnectionRegistry
    private let isSecure: Bool
    private var context: ChannelHandlerContext?
    private var id: Int?
    /// Requests whose head is complete and that are not over.
    private var exchanges = 0
    /// Complete requests without a complete response.
    private var inFlight = 0
    /// What knows of the streams, where the connection speaks HTTP/2.
    private var http2: HTTP2Connection?
    private var isMultiplexed: Bool { http2 != nil }
    /// Whether it is known which protocol is spoken. From then on handlers behind TLS keep the memory of heads.
    private var isNegotiated = false
    /// Whether bytes have arrived since the last request was over.
    private var hasNewBytes = false
    /// Whether the server is stopping.
    private(set) var isStopping = false
    /// Whether the connection is closed as soon as its client has what was written.
    private var isFinishing = false
    private var isRefused = false
    private lazy var deadline = ConnectionDeadline { [weak self] in self?.expired($0) }
    private var handshake: HeadBudget
    private let writes: WriteWatch

    /// - Parameter isSecure: whether TLS is spoken.
    init(limits: ConnectionLimits, registry: ConnectionRegistry, isSecure: Bool) {
        self.limits = limits
        self.registry = registry
        self.isSecure = isSecure
        handshake = HeadBudget(registry: registry)
        writes = WriteWatch(limits: limits)
    }

    // MARK: Requests

    /// Whether the connection is open.
    var isActive: Bool { context?.channel.isActive ?? false }

    /// Notes that HTTP/1 is spoken.
    func speaksHTTP1() {
        isNegotiated = true
        handshake.release()
    }

    /// Notes that HTTP/2 has been negotiated. Clients open such connections before they need them.
    func speaksHTTP2(_ http2: HTTP2Connection) {
        self.http2 = http2
        isNegotiated = true
        handshake.release()
        setDeadline(.idle, in: limits.idleTimeout)
        if isStopping { http2.leave() }
    }

    /// Notes a complete head.
    func exchangeBegan() {
        exchanges += 1
        registry.exchangeBegan()
        deadline.clear()
    }

    /// Notes a complete request, or one that must not be evicted.
    func exchangeIsInFlight() {
        inFlight += 1
        if inFlight == 1, let id { registry.set(id, inFlight: true) }
    }

    /// Notes a complete response to a request in flight.
    func exchangeWasAnswered() {
        inFlight -= 1
        if inFlight == 0, let id { registry.set(id, inFlight: false) }
    }

    /// Notes that a request is over: it and its response are complete, or its stream has ended.
    func exchangeEnded() {
        exchanges -= 1
        registry.exchangeEnded()
        guard exchanges == 0 else { return }
        hasNewBytes = false
        setDeadline(.idle, in: limits.idleTimeout)
        if isStopping, !isMultiplexed { finish() }
    }

    /// Resets a stream of HTTP/2 for what its client did. A connection with many such streams ends with those that are open.
    /// - Parameter context: that of a handler behind the stream's codec.
    func resetStream(_ context: ChannelHandlerContext, _ code: HTTP2ErrorCode = .noError) {
        guard context.channel.isActive else { return }
        context.triggerUserOutboundEvent(NIOHTTP2FramePayloadToHTTPEvent.reset(code: code), promise: nil)
        http2?.streamWasReset()
    }

    /// Counts a deadline that a request missed.
    func count(_ timeout: ConnectionTimeout) {
        registry.count(timeout)
    }

    /// Closes the connection at once, whatever TLS would still like to say.
    func close(_ timeout: ConnectionTimeout? = nil) {
        if let timeout { registry.count(timeout) }
        http2?.sayGoodbye(timeout == .idle || timeout == nil ? .noError : .enhanceYourCalm)
        context?.close(promise: nil)
    }

    /// Closes the connection for want of memory.
    func evict() {
        if let id { registry.evict(id) }
        close()
    }

    /// Closes the connection as soon as the system has what was written, unless a request has begun by then. The client has a moment
    /// to close it first: a connection that is closed with bytes unread takes away what is on its way.
    /// - Parameter hasFailed: whether the connection cannot go on, so that requests are dropped.
    func finish(hasFailed: Bool = false) {
        guard !isFinishing, let context else { return }
        isFinishing = true
        // The end of a response may be about to be written.
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) {
            self.isFinishing = hasFailed || self.exchanges == 0
            guard self.isFinishing else { return }
            self.context?.channel.pipeline.close(promise: nil)
            self.closeWhenWritten()
        }
    }

    // MARK: Events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        forget()
        self.context = nil
        http2 = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        let (eventLoop, bound) = (context.eventLoop, NIOLoopBound(self, eventLoop: context.eventLoop))
        id = registry.open { eventLoop.execute { bound.value.close() } }
        setDeadline(.head, in: limits.headTimeout)
        isRefused = id == nil
        context.fireChannelActive()
        if isRefused { RefusedConnection.refuse(context, isSecure: isSecure, registry: registry) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        forget()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        if !isNegotiated, !handshake.receive(unwrapInboundIn(data).readableBytes) { return evict() }
        if exchanges == 0 { hasNewBytes = true }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // Bytes of a next request whose head has not become complete. On HTTP/2 they could be anything.
        if hasNewBytes, exchanges == 0, !isMultiplexed, deadline.next?.kind == .idle {
            setDeadline(.head, in: limits.headTimeout)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        // The client has its last response and needs a moment to close.
        case ChannelEvent.outputClosed: setDeadline(nil, in: min(.seconds(2), limits.idleTimeout))
        case ChannelEvent.inputClosed where isRefused: return context.close(promise: nil)
        case is ChannelShouldQuiesceEvent: stop(context)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        writes.wrote(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        writes.start(context.channel) { self.close(.write) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // A server that stops closes with the last write, and the system drops what it has not taken yet.
        guard isStopping, mode == .all, bufferedBytes > 0 else { return context.close(mode: mode, promise: promise) }
        context.channel.closeFuture.cascade(to: promise)
        closeWhenWritten()
    }

    // MARK: Deadlines

    private var bufferedBytes: Int { WriteWatch.bufferedBytes(of: context?.channel) }

    private func setDeadline(_ kind: ConnectionTimeout?, in duration: Duration) {
        deadline.set(kind, in: duration, on: context?.channel)
    }

    private func expired(_ kind: ConnectionTimeout?) {
        // A response that is being read has a deadline of its own.
        if kind == .idle, bufferedBytes > 0 { return setDeadline(.idle, in: limits.idleTimeout) }
        close(kind)
    }

    /// Ends a connection without a request when the server stops; with one, it ends with its response. HTTP/2 does so by itself.
    private func stop(_ context: ChannelHandlerContext) {
        isStopping = true
        guard exchanges == 0, !isMultiplexed else { return }
        // A request that has just been sent is still answered.
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(50)) {
            guard self.exchanges == 0, !self.isMultiplexed else { return }
            if self.bufferedBytes > 0 { self.closeWhenWritten() } else { self.close() }
        }
    }

    private func closeWhenWritten() {
        context?.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(200)) {
            if self.bufferedBytes > 0 { self.closeWhenWritten() } else { self.context?.close(promise: nil) }
        }
    }

    private func forget() {
        if let id { registry.closed(id) }
        id = nil
        handshake.release()
        deadline.stop()
        writes.stop()
    }
}
