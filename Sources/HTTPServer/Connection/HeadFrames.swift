import NIOCore

/// Keeps the deadline and the memory of the heads of HTTP/2 requests, which NIO collects until they are complete: in front of NIO's
/// own handler, behind TLS.
final class HeadFrames: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: ConnectionGuard
    private var scanner = FrameScanner()
    private var budget: HeadBudget
    /// The head that the budget and the timer are for, and its bytes so far.
    private var current = (head: 0, bytes: 0)
    private var timer: Scheduled<Void>?

    init(_ connection: ConnectionGuard) {
        self.connection = connection
        budget = HeadBudget(registry: connection.registry)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = scanner.scan(unwrapInboundIn(data))
        if scanner.heads != current.head || scanner.headBytes == 0 {
            forget()
            current = (scanner.heads, 0)
        }
        if scanner.headBytes > 0 {
            guard budget.receive(scanner.headBytes - current.bytes) else { return connection.evict() }
            current.bytes = scanner.headBytes
            startTimer(context)
        }
        context.fireChannelRead(wrapInboundOut(bytes))
    }

    func channelInactive(context: ChannelHandlerContext) {
        forget()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        forget()
    }

    /// No other frame may come between those of a head, so that its connection can only end.
    private func startTimer(_ context: ChannelHandlerContext) {
        guard timer == nil else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(connection.limits.headTimeout)) {
            self.connection.close(.head)
        }
    }

    private func forget() {
        budget.release()
        timer?.cancel()
        timer = nil
    }
}
