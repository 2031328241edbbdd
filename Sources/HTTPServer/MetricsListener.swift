import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Serving

/// Serves `/metrics` on an address of its own, without keys. `/healthz` is answered there too.
struct MetricsListener: Service {
    let address: ListeningAddress
    let registry: PrometheusRegistry
    let logger: Logger
    /// Called with the port when the listener accepts connections.
    let onListening: @Sendable (Int) -> Void

    /// A few scrapers at a time, with short requests.
    private let limits = ConnectionLimits(
        maxConnections: 64, headTimeout: .seconds(5), bodyTimeout: .seconds(5), writeTimeout: .seconds(10))

    init(
        address: ListeningAddress, registry: PrometheusRegistry, logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        (self.address, self.registry, self.logger, self.onListening) = (address, registry, logger, onListening)
    }

    func run() async throws {
        let application = Application(
            responder: MetricsResponder(registry: registry, isLoopback: OriginPolicy.isLoopback(address.host)),
            server: .guarded(
                limits: limits, registry: ConnectionRegistry(maxConnections: limits.maxConnections, maxHeadBytes: 0),
                maxBodySize: 64 << 10, certificates: nil, isContended: { false }),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: "Silhouette"),
            onServerRunning: { [address, logger, onListening] channel in
                logger.info("Metrics are served on \(channel.localAddress.map(String.init(describing:)) ?? "?")")
                onListening(channel.localAddress?.port ?? address.port)
            },
            logger: logger)
        do {
            try await application.run()
        } catch let error as IOError {
            throw ListeningError(host: address.host, port: address.port, code: error.errnoCode)
        }
    }
}

/// Answers the requests of the metrics listener.
struct MetricsResponder: HTTPResponder {
    let registry: PrometheusRegistry
    /// Whether only programs of this machine may read, which websites in its browsers are not.
    let isLoopback: Bool

    func respond(to request: Request, context: ServerContext) async throws -> Response {
        if isLoopback, request.uri.path == "/metrics",
            !request.isOfThisMachine(peer: context.channel.remoteAddress)
        {
            return Response(status: .forbidden)
        }
        guard request.method != .head else { return answer(request).createHeadResponse() }
        guard request.method == .get else { return Response(status: .methodNotAllowed) }
        return answer(request)
    }

    private func answer(_ request: Request) -> Response {
        switch request.uri.path {
        case "/metrics": return MetricsPage.response(MetricsPage.bytes(registry))
        case "/healthz": return Response(status: .ok)
        default: return Response(status: .notFound)
        }
    }
}
