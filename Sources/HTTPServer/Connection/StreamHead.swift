import NIOCore
import NIOHPACK
import NIOHTTP2
import Serving

/// Refuses the head of an HTTP/2 stream that is larger than any may be, or for which or whose body there is no memory, before it
/// becomes a request. The stream is answered; its connection goes on.
final class StreamHead: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload

    /// Bytes of a head that every stream may hold.
    private static let free = 4 << 10

    private var budget: HeadBudget
    private let connection: HTTP2Connection
    private var hasWindow = false
    private var hasBegun = false
    private var isRefused = false

    init(_ connection: HTTP2Connection, registry: ConnectionRegistry) {
        self.connection = connection
        budget = HeadBudget(registry: registry, free: Self.free)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        if case .headers(let frame) = unwrapInboundIn(data) {
            // The names and values, and the approximate overhead of a field (RFC 9113, section 6.5.2).
            let size = frame.headers.reduce(0) { $0 + 32 + $1.name.utf8.count + $1.value.utf8.count }
            if frame.headers.count > RequestHead.maxFields {
                return refuse(RequestError.headersTooLarge, context)
            }
            if !hasBegun, !frame.endStream { hasWindow = connection.openWindow() }
            guard budget.receive(size), hasBegun || frame.endStream || hasWindow else {
                return refuse(ServiceError.overloaded(retryAfter: 1), context)
            }
            hasBegun = true
        }
        context.fireChannelRead(data)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        budget.release()
        if hasWindow { connection.closeWindow() }
        hasWindow = false
    }

    private func refuse(_ error: any Error, _ context: ChannelHandlerContext) {
        isRefused = true
        context.fireErrorCaught(RefusedHeadError(cause: error))
    }
}
