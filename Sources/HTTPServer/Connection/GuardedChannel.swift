import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore

/// Puts a `ConnectionGuard` at the very front of every accepted connection, before TLS and HTTP.
struct GuardedChannel<Wrapped: ServerChildChannel>: ServerChildChannel {
    typealias Value = Wrapped.Value

    private let wrapped: Wrapped
    private let limits: ConnectionLimits
    private let registry: ConnectionRegistry

    init(_ wrapped: Wrapped, limits: ConnectionLimits, registry: ConnectionRegistry) {
        self.wrapped = wrapped
        self.limits = limits
        self.registry = registry
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            // A connection that sends at full speed leaves the loop to others after each read.
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            try channel.pipeline.syncOperations.addHandler(ConnectionGuard(limits: limits, registry: registry))
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
        certificates: CertificateStore?, isContended: @escaping @Sendable () -> Bool = { true }
    ) -> HTTPServerBuilder {
        // The guard keeps idle timeouts, so the channel of HTTP/1 has none.
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ExchangeHandler(maxUnwanted: 2 * maxBodySize, isContended: isContended)],
            // The target may hold a small image. The responder refuses more than `RequestHead` allows.
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: RequestHead.maxReceivedField, maxHeaderListSize: RequestHead.maxReceived,
                maxHeaderFieldCount: 256))
        guard let certificates else {
            return HTTPServerBuilder { responder in
                GuardedChannel(
                    HTTP1Channel(responder: responder, configuration: http1), limits: limits, registry: registry)
            }
        }
        let tls = certificates.configuration
        // HTTP/2 sends GOAWAY shortly before the guard closes the connection.
        let http2 = HTTP2UpgradeChannel.Configuration(
            idleTimeout: limits.idleTimeout * 9 / 10, gracefulCloseTimeout: .seconds(5), streamConfiguration: http1)
        return HTTPServerBuilder { responder in
            GuardedChannel(
                try HTTP2UpgradeChannel(tlsConfiguration: tls, configuration: http2, responder: responder),
                limits: limits, registry: registry)
        }
    }
}
