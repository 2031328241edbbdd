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

    /// Notes a part of a request. Of the bytes before it the decoder holds nothing; those behind it, at most one read, are free.
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
    /// Whether NIO may decode nothing behind this request: it takes what follows for another protocol, and would keep all of it.
    /// No such protocol is spoken here, and the request is answered as the last one of its connection.
    var endsDecoding: Bool { method == .CONNECT || headers.contains(name: "upgrade") }
}
