import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// A request without a host, or with more than one.
struct HostFieldError: Error, CustomStringConvertible {
    var description: String { "it must have exactly one Host header" }
}

/// Implements persistence of HTTP/1 connections. Version 1.0 ends the connection with the response unless the client asks to
/// keep it; 1.1 keeps it unless the client asks to end it, or to change to another protocol. The response says which.
///
/// It also refuses requests with more than one `Host`, and those of version 1.1 without one (RFC 9112, section 3.2), because
/// later handlers see the host only as the authority.
final class PersistenceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let input: RequestInput?
    private var connection: String?
    /// Whether the current request is of a version before 1.1.
    private(set) var isOld = false
    private var isRefused = false

    /// Adds what HTTP/1 needs where versions can be seen: before the codec.
    /// - Returns: the handler, or nil on streams of HTTP/2, which have no such codec.
    static func added(to pipeline: ChannelPipeline.SynchronousOperations) throws -> PersistenceHandler? {
        guard let codec = try? pipeline.handler(type: HTTP1ToHTTPServerCodec.self) else { return nil }
        let connection = try? pipeline.handler(type: ConnectionGuard.self)
        let input = connection.map { RequestInput($0) }
        if let input {
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(input, position: .before(decoder))
        }
        connection?.speaksHTTP1()
        let handler = PersistenceHandler(input)
        let queue = RequestQueue(input, registry: connection?.registry)
        try pipeline.addHandlers([queue, handler], position: .before(codec))
        return handler
    }

    private init(_ input: RequestInput?) {
        self.input = input
    }

    /// Takes no further request.
    func end() {
        input?.end()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else {
            if !isRefused { context.fireChannelRead(data) }
            return
        }
        let wishes = head.headers[canonicalForm: "connection"].filter { $0.utf8.count <= 16 }.map { $0.lowercased() }
        isOld = head.version.major < 1 || head.version == .http1_0
        let hosts = head.headers.lazy.filter { $0.name.utf8.count == 4 && $0.name.lowercased() == "host" }.count
        isRefused = isOld ? hosts > 1 : hosts != 1
        if isRefused {
            connection = "close"
            return context.fireErrorCaught(HostFieldError())
        }
        if wishes.contains("close") || (isOld && !wishes.contains("keep-alive")) || head.endsDecoding {
            connection = "close"
            head.headers.replaceOrAdd(name: "connection", value: "close")
        } else {
            connection = isOld ? "keep-alive" : nil
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data), let connection, head.status != .continue else {
            return context.write(data, promise: promise)
        }
        if !head.headers.contains(name: "connection") { head.headers.add(name: "connection", value: connection) }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }
}
