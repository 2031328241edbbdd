import HTTPTypes
import NIOCore

/// Answers a connection for which there is no room with 503, where it speaks HTTP without TLS, and closes it. What the client sends
/// is dropped for a moment, because a connection that is closed with bytes unread takes its answer with it.
struct RefusedConnection {
    /// Connections that may wait at once for their client to take the answer; others are closed at once.
    static let maxWaiting = 64
    /// How long one waits.
    static let patience = TimeAmount.seconds(1)

    /// The whole answer.
    static let answer: [UInt8] = {
        let error = ErrorResponse(
            .serviceUnavailable, "too_many_connections",
            message: "The server has as many connections as it takes. Try again later.")
        let head =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(error.body.count)\r\nConnection: close\r\nRetry-After: 1\r\nServer: Silhouette\r\n\r\n"
        return Array(head.utf8) + error.body
    }()

    /// Answers and closes.
    /// - Parameter context: that of the first handler.
    static func refuse(_ context: ChannelHandlerContext, isSecure: Bool, registry: ConnectionRegistry) {
        guard !isSecure, registry.refusalBegan() else { return context.close(promise: nil) }
        let channel = context.channel
        channel.closeFuture.whenComplete { _ in registry.refusalEnded() }
        context.writeAndFlush(NIOAny(IOData.byteBuffer(ByteBuffer(bytes: answer))), promise: nil)
        context.close(mode: .output, promise: nil)
        context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }
}
