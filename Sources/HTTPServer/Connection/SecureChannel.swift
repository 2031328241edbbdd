import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2
import NIOSSL

/// A connection with TLS that speaks HTTP/1.1 or HTTP/2, as its client negotiates.
struct SecureChannel: ServerChildChannel {
    /// A connection of HTTP/1.1, or one stream of HTTP/2.
    typealias Exchanges = HTTP1Channel.Value
    /// A connection of HTTP/2.
    typealias Streams = NIOHTTP2Handler.AsyncStreamMultiplexer<Exchanges>

    /// A connection whose protocol may not have been negotiated yet.
    struct Value: ServerChildChannelValue {
        let negotiation: EventLoopFuture<NIONegotiatedHTTPVersion<Exchanges, Streams>>
        let channel: any Channel
    }

    private let http1: HTTP1Channel
    private let context: NIOSSLContext
    private let registry: ConnectionRegistry

    /// - Throws: errors of the certificate.
    init(_ http1: HTTP1Channel, certificates: CertificateStore, registry: ConnectionRegistry) throws {
        var configuration = certificates.configuration
        configuration.applicationProtocols = NIOHTTP2SupportedALPNProtocols
        context = try NIOSSLContext(configuration: configuration)
        self.http1 = http1
        self.registry = registry
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
        }
        .flatMap {
            channel.configureHTTP2AsyncSecureUpgrade { channel in
                http1.setup(channel: channel, logger: logger)
            } http2ConnectionInitializer: { channel in
                channel.eventLoop.makeCompletedFuture { try setUpStreams(of: channel) }
            }
        }
        .map { Value(negotiation: $0, channel: channel) }
    }

    func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.negotiation.get() {
            case .http1_1(let connection): await http1.handle(value: connection, logger: logger)
            case .http2(let streams):
                try await withThrowingDiscardingTaskGroup { group in
                    for try await stream in streams.inbound {
                        group.addTask { await http1.handle(value: stream, logger: logger) }
                    }
                }
            }
        } catch {
            logger.debug("A connection has ended: \(error)")
        }
    }

    private func setUpStreams(of channel: any Channel) throws -> Streams {
        let pipeline = channel.pipeline.syncOperations
        let connection = try pipeline.handler(type: ConnectionGuard.self)
        let http2 = HTTP2Connection(connection)
        let delegate = HTTP2Connection.Delegate(http2, eventLoop: channel.eventLoop)
        try pipeline.addHandler(HeadFrames(connection))
        let (handlers, registry) = (http1.configuration.additionalChannelHandlers, registry)
        let bound = NIOLoopBound(http2, eventLoop: channel.eventLoop)
        let streams = try pipeline.configureAsyncHTTP2Pipeline(
            mode: .server, streamDelegate: delegate, frameDelegate: delegate, configuration: Self.configuration
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                let pipeline = stream.pipeline.syncOperations
                try pipeline.addHandler(StreamHead(bound.value, registry: registry))
                try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
                try pipeline.addHandlers(handlers())
                return try Exchanges(wrappingChannelSynchronously: stream)
            }
        }
        try pipeline.addHandler(http2)
        return streams
    }

    /// What clients may do at most. Beyond a limit NIO ends the connection (GOAWAY).
    private static var configuration: NIOHTTP2Handler.Configuration {
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 100),
            HTTP2Setting(parameter: .initialWindowSize, value: HTTP2Connection.windowSize),
            HTTP2Setting(parameter: .maxHeaderListSize, value: RequestHead.maxReceived),
        ]
        // As many as the largest head needs in frames of the usual size, and some.
        configuration.connection.maximumSequentialContinuationFrames = RequestHead.maxReceived / (16 << 10) + 16
        configuration.connection.maximumSequentialEmptyDataFrames = 1
        configuration.connection.maximumBufferedControlFrames = 1000
        // Frames of streams that the server has reset are on their way for a while.
        configuration.connection.maximumRecentlyResetStreams = 128
        configuration.connection.maximumConnectionGlitches = 100
        configuration.connection.controlFrameRateLimit.maximumCount = 200
        configuration.connection.controlFrameRateLimit.windowLength = .seconds(30)
        configuration.stream.streamResetFrameRateLimit.maximumCount = 200
        configuration.stream.streamResetFrameRateLimit.windowLength = .seconds(30)
        configuration.stream.streamErrorRateLimit.maximumCount = 100
        configuration.stream.streamErrorRateLimit.windowLength = .seconds(30)
        return configuration
    }
}
