import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// The transport alone, with a closure in place of all routes.
struct ConnectionTestServer: Sendable {
    typealias Respond = @Sendable (Request, ServerContext) async throws -> Response

    let port: Int
    let registry: ConnectionRegistry
    /// Tells the server to stop, as SIGTERM does.
    var stop: @Sendable () async -> Void = {}
    /// Whether the server has stopped.
    var hasStopped: @Sendable () -> Bool = { false }

    /// Runs a server while a test uses it.
    /// - Parameter failed: gets the errors of the work of requests.
    static func run(
        _ limits: ConnectionLimits = ConnectionLimits(), isSecure: Bool = false,
        registry: ConnectionRegistry? = nil, failed: @escaping @Sendable (any Error) -> Void = { _ in },
        respond: @escaping Respond,
        _ test: @escaping @Sendable (ConnectionTestServer) async throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = registry ?? ConnectionRegistry(maxConnections: limits.maxConnections)
        let certificate = CertificateFiles(
            certificate: TestFiles.fixture("tls-first.pem"), privateKey: TestFiles.fixture("tls-first.key"))
        let (ports, port) = AsyncStream<Int>.makeStream()
        let application = Application(
            responder: TransportResponder(answer: respond, failed: failed),
            server: .guarded(
                limits: limits, registry: registry, maxBodySize: 1 << 20,
                certificates: isSecure ? try CertificateStore(certificate, logger: logger) : nil,
                isContended: { true }),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [application], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let isOver = Flag()
            tasks.addTask {
                try await group.run()
                isOver.isSet.withLock { $0 = true }
            }
            let port = try #require(await ports.first { _ in true })
            let outcome: Result<Void, any Error>
            do {
                try await test(
                    ConnectionTestServer(
                        port: port, registry: registry, stop: { await group.triggerGracefulShutdown() },
                        hasStopped: { isOver.isSet.withLock { $0 } }))
                outcome = .success(())
            } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    /// Opens a connection.
    /// - Parameters:
    ///   - isReading: whether bytes are taken as they come.
    ///   - isSecure: whether TLS is spoken; with it, HTTP/2 is negotiated if `protocols` says so.
    func connect(isReading: Bool = true, isSecure: Bool = false, protocols: [String] = []) async throws
        -> TestConnection
    {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let received = ReceivedBytes()
        let channel = try await ClientBootstrap(group: loop)
            .channelOption(.allowRemoteHalfClosure, value: false)
            .channelOption(.autoRead, value: isReading)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if isSecure {
                        var configuration = TLSConfiguration.makeClientConfiguration()
                        configuration.certificateVerification = .none
                        configuration.applicationProtocols = protocols
                        let context = try NIOSSLContext(configuration: configuration)
                        try channel.pipeline.syncOperations.addHandler(
                            try NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(ReceivingHandler(received))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return TestConnection(channel: channel, received: received)
    }
}

private final class Flag: Sendable {
    let isSet = Mutex(false)
}

private struct TransportResponder: HTTPResponder {
    let answer: ConnectionTestServer.Respond
    let failed: @Sendable (any Error) -> Void

    func respond(to request: Request, context: ServerContext) async throws -> Response {
        do {
            return try await withCancellationOnDisconnect(context) { try await answer(request, context) }
        } catch {
            failed(error)
            return ErrorResponse(error).response
        }
    }
}

/// A client that sees bytes.
struct TestConnection: Sendable {
    let channel: any Channel
    fileprivate let received: ReceivedBytes

    var bytes: [UInt8] { received.bytes.withLock { $0 } }
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var count: Int { received.bytes.withLock { $0.count } }
    var isClosed: Bool { received.isClosed.withLock { $0 } }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Sends FIN only.
    func finishSending() async throws {
        try await channel.close(mode: .output)
    }

    /// Closes the connection; with TLS says so first, and does not wait for the server to say so too.
    func close() async throws {
        try await channel.eventLoop.submit {
            let outer = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self)
            channel.close(promise: nil)
            outer?.close(promise: nil)
        }.get()
    }

    /// Closes the socket only, as the system does for a killed client.
    func abandon() async throws {
        try await channel.eventLoop.submit {
            let outer = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self)
            if let outer { outer.close(promise: nil) } else { channel.close(promise: nil) }
        }.get()
    }

    /// Closes with a reset, as the system does for a killed client with unread bytes.
    func reset() async throws {
        let options = try #require(channel as? any SocketOptionProvider)
        try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await abandon()
    }

    /// Waits for a condition.
    /// - Returns: how long it took, or nil when it did not happen in time.
    @discardableResult
    func wait(_ limit: Duration = .seconds(10), until condition: (TestConnection) -> Bool) async throws -> Duration? {
        try await eventually(limit) { condition(self) }
    }
}

/// Waits for a condition.
/// - Returns: how long it took, or nil when it did not happen in time.
@discardableResult
func eventually(_ limit: Duration = .seconds(10), _ condition: () -> Bool) async throws -> Duration? {
    let start = ContinuousClock.now
    while !condition() {
        guard ContinuousClock.now - start < limit else { return nil }
        try await Task.sleep(for: .milliseconds(5))
    }
    return ContinuousClock.now - start
}

private final class ReceivedBytes: Sendable {
    let bytes = Mutex<[UInt8]>([])
    let isClosed = Mutex(false)
}

private final class ReceivingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let received: ReceivedBytes

    init(_ received: ReceivedBytes) {
        self.received = received
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        received.bytes.withLock { $0 += part.readableBytesView }
    }

    func channelInactive(context: ChannelHandlerContext) {
        received.isClosed.withLock { $0 = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// Work that lasts until it is canceled, and says so.
final class CancelableWork: Sendable {
    struct State {
        var started = 0
        var canceled = 0
        var finished = 0
    }

    private let state = Mutex(State())
    private let duration: Duration

    init(_ duration: Duration = .seconds(30)) {
        self.duration = duration
    }

    var counts: State { state.withLock { $0 } }

    func run() async throws {
        state.withLock { $0.started += 1 }
        do {
            try await Task.sleep(for: duration)
            state.withLock { $0.finished += 1 }
        } catch {
            state.withLock { $0.canceled += 1 }
            throw error
        }
    }
}

extension Response {
    static func text(_ text: String) -> Response {
        Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
