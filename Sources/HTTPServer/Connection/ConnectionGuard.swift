import NIOCore

/// Keeps the deadlines of one connection, from in front of TLS and HTTP: for heads, for idleness, and for responses that
/// are not read. It also bounds the memory of incomplete heads. It knows of requests what `ExchangeHandler` tells it.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// The connection's limits.
    let limits: ConnectionLimits
    private let registry: ConnectionRegistry
    private var context: ChannelHandlerContext?
    private var id: Int?
    /// Requests whose head is complete and that are not over.
    private var exchanges = 0
    /// Complete requests without a complete response.
    private var inFlight = 0
    private var isMultiplexed = false
    /// Whether the connection takes no more requests and ends with those in flight.
    private var isEnding = false
    /// The next deadline; without a kind, it is not a fault to miss it.
    private var deadline: (time: NIODeadline, kind: ConnectionTimeout?)?
    private var timer: (task: Scheduled<Void>, time: NIODeadline)?
    private var head: HeadBudget
    private var writes: WriteProgress
    private var writeTimer: Scheduled<Void>?

    init(limits: ConnectionLimits, registry: ConnectionRegistry) {
        self.limits = limits
        self.registry = registry
        head = HeadBudget(registry: registry)
        writes = WriteProgress(limits: limits)
    }

    // MARK: Requests

    /// Notes a complete head.
    /// - Parameter isStream: whether the request came on an HTTP/2 stream.
    /// - Returns: whether the request may go on.
    func exchangeBegan(isStream: Bool) -> Bool {
        exchanges += 1
        isMultiplexed = isStream
        deadline = nil
        head.release()
        return !isEnding
    }

    /// Notes a complete request, or one that must not be evicted.
    func exchangeIsInFlight() {
        inFlight += 1
        if inFlight == 1, let id { registry.set(id, inFlight: true) }
    }

    /// Notes a complete response to a request in flight.
    func exchangeWasAnswered() {
        inFlight -= 1
        guard inFlight == 0 else { return }
        if let id { registry.set(id, inFlight: false) }
        if isEnding { closeSoon() }
    }

    /// Notes that a request is over: it and its response are complete, or its stream has ended.
    func exchangeEnded() {
        exchanges -= 1
        if exchanges == 0 { setDeadline(.idle, in: limits.idleTimeout) }
    }

    /// Counts a deadline that a request missed.
    func count(_ timeout: ConnectionTimeout) {
        registry.count(timeout)
    }

    /// Takes no more requests and ends the connection with those in flight.
    func end() {
        guard !isEnding else { return }
        isEnding = true
        if inFlight == 0 { closeSoon() }
    }

    /// Closes the connection at once, whatever TLS and HTTP would still like to say.
    func close(_ timeout: ConnectionTimeout? = nil) {
        if let timeout { registry.count(timeout) }
        context?.close(promise: nil)
    }

    // MARK: Events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        forget()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        let (eventLoop, bound) = (context.eventLoop, NIOLoopBound(self, eventLoop: context.eventLoop))
        id = registry.open { eventLoop.execute { bound.value.close() } }
        setDeadline(.head, in: limits.headTimeout)
        context.fireChannelActive()
        if id == nil { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        forget()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if exchanges == 0, !isMultiplexed, !head.receive(unwrapInboundIn(data).readableBytes) {
            if let id { registry.evict(id) }
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // Bytes of a next request whose head has not become complete. On HTTP/2 they could be anything.
        if exchanges == 0, !isMultiplexed, deadline?.kind == .idle { setDeadline(.head, in: limits.headTimeout) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The client has its last response and needs a moment to close.
        if case ChannelEvent.outputClosed = event { setDeadline(nil, in: min(.seconds(2), limits.idleTimeout)) }
        context.fireUserInboundEventTriggered(event)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        writes.written += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        if writeTimer == nil { watchWrites() }
    }

    // MARK: Deadlines

    /// Bytes of responses that the system has not accepted yet. A closed connection has none.
    private var bufferedBytes: Int {
        guard let channel = context?.channel, channel.isActive else { return 0 }
        return (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func watchWrites() {
        writeTimer = nil
        switch writes.state(buffered: bufferedBytes, now: .now()) {
        case .complete: break
        case .stalled: close(.write)
        case .waiting(let rest):
            let quarter = TimeAmount(limits.writeTimeout / 4)
            let interval = max(.milliseconds(1), min(rest, quarter))
            writeTimer = context?.eventLoop.assumeIsolated().scheduleTask(in: interval) { self.watchWrites() }
        }
    }

    private func setDeadline(_ kind: ConnectionTimeout?, in duration: Duration) {
        let time = NIODeadline.now() + TimeAmount(duration)
        deadline = (time, kind)
        // A timer that comes earlier looks again: there is one for many requests.
        if let timer, timer.time <= time { return }
        startTimer(at: time)
    }

    private func startTimer(at time: NIODeadline) {
        timer?.task.cancel()
        timer = nil
        guard let context, context.channel.isActive else { return }
        timer = (
            context.eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.checkDeadline() }, time
        )
    }

    private func checkDeadline() {
        timer = nil
        guard let deadline else { return }
        guard NIODeadline.now() >= deadline.time else { return startTimer(at: deadline.time) }
        // A response that is being read has a deadline of its own.
        if deadline.kind == .idle, bufferedBytes > 0 { return setDeadline(.idle, in: limits.idleTimeout) }
        close(deadline.kind)
    }

    private func closeSoon() {
        context?.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(500)) { self.close() }
    }

    private func forget() {
        if let id { registry.closed(id) }
        id = nil
        head.release()
        timer?.task.cancel()
        timer = nil
        writeTimer?.cancel()
        writeTimer = nil
    }
}
