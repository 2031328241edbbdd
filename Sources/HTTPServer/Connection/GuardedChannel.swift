import HummingbirdCore
import Logging
import NIOCore

/// Puts a `ConnectionGuard` at the very front of every accepted connection, before TLS and HTTP.
struct GuardedChannel<Wrapped: ServerChildChannel>: ServerChildChannel {
    typealias Value = Wrapped.Value

    #if os(Linux)
        /// `TCP_NOTSENT_LOWAT`: the number of bytes that the system takes beyond those that the client's window admits.
        private static var unsentLimit: NIOBSDSocket.Option { NIOBSDSocket.Option(rawValue: 25) }
        private static var maxUnsent: Int { 256 << 10 }
    #endif

    private let wrapped: Wrapped
    private let limits: ConnectionLimits
    private let registry: ConnectionRegistry
    private let isSecure: Bool

    /// - Parameter isSecure: whether TLS is spoken.
    init(_ wrapped: Wrapped, limits: ConnectionLimits, registry: ConnectionRegistry, isSecure: Bool) {
        self.wrapped = wrapped
        self.limits = limits
        self.registry = registry
        self.isSecure = isSecure
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            // A connection that sends at full speed leaves the loop to others after each read.
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            #if os(Linux)
                // The system's own buffer holds megabytes for a client that does not read, outside of every budget.
                try channel.syncOptions?.setOption(
                    ChannelOptions.Types.SocketOption(level: .tcp, name: Self.unsentLimit), value: Self.maxUnsent)
            #endif
            try channel.pipeline.syncOperations.addHandler(
                ConnectionGuard(limits: limits, registry: registry, isSecure: isSecure))
        }
        .flatMap { wrapped.setup(channel: channel, logger: logger) }
    }

    func handle(value: Value, logger: Logger) async {
        await wrapped.handle(value: value, logger: logger)
    }
}

extension HTTPServerBuilder {
    /// HTTP/1.1, or with a certificate HTTPS with HTTP/2 too, on guarded connections.
    /// - Parameters:
    ///   - maxBodySize: largest body of a request in bytes.
    ///   - isContended: whether requests wait for others.
    static func guarded(
        limits: ConnectionLimits, registry: ConnectionRegistry, maxBodySize: Int,
        certificates: CertificateStore?, isContended: @escaping @Sendable () -> Bool
    ) -> HTTPServerBuilder {
        // The guard keeps idle timeouts, so the channel of HTTP/1 has none.
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ExchangeHandler(maxUnwanted: 2 * maxBodySize, isContended: isContended)],
            // The target may hold a small image. The responder refuses more than `RequestHead` allows.
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: RequestHead.maxReceivedField, maxHeaderListSize: RequestHead.maxReceived,
                maxHeaderFieldCount: RequestHead.maxFields))
        return HTTPServerBuilder { responder in
            let plain = HTTP1Channel(responder: responder, configuration: http1)
            guard let certificates else {
                return GuardedChannel(plain, limits: limits, registry: registry, isSecure: false)
            }
            return GuardedChannel(
                try SecureChannel(plain, certificates: certificates, registry: registry), limits: limits,
                registry: registry, isSecure: true)
        }
    }
}
