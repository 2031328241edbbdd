import NIOCore
import NIOHTTP1

/// Keeps the memory of what NIO's decoder of HTTP/1 holds back until a part of a request is complete: heads, and what comes
/// between and behind the chunks of a body. It stands in front of the decoder, behind TLS. After a connection's last request it
/// takes nothing more, so that what a client still sends is dropped before it is decoded.
final class RequestInput: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: ConnectionGuard
    private var budget: HeadBudget
    private var hasDecoded = false
    private var isOver = false

    init(_ connection: ConnectionGuard) {
        self.connection = connection
        budget = HeadBudget(registry: connection.registry)
    }

    /// Notes that a part of a request was decoded. The decoder no longer holds the bytes before it; those after it, at
    /// most one read, are not counted.
    func decoded() {
        hasDecoded = true
        budget.release()
    }

    /// Takes nothing more from the client.
    func end() {
        isOver = true
        budget.release()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        let count = unwrapInboundIn(data).readableBytes
        hasDecoded = false
        context.fireChannelRead(data)
        guard !hasDecoded, !isOver, context.channel.isActive, !budget.receive(count) else { return }
        end()
        connection.evict()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }
}

extension HTTPRequestHead {
    /// Whether NIO may stop decoding after this request: it treats what follows as another protocol, and would buffer
    /// all of it. The server supports no such protocol, so the response to this request is the last one of its
    /// connection.
    var endsDecoding: Bool { method == .CONNECT || headers.contains(name: "upgrade") }
}
