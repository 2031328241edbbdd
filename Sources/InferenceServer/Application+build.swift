import Foundation
public import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
public import Logging
import NIOCore

/// Puts a server together. Nothing runs until the application's `runService` is called.
///
/// - Parameters:
///   - catalog: the models.
///   - access: who may use them.
///   - whenListening: called with the port once the server listens; models may still be opening.
///   - whenReady: called with the port once predictions are answered.
///   - whenResting: called when no prediction was asked for in some seconds after others were.
/// - Throws: `CertificateError` where HTTPS is asked for with files that cannot be used.
public func buildApplication(
    _ configuration: ServerConfiguration,
    catalog: ModelCatalog,
    access: Access,
    logger: Logger,
    whenListening: @escaping @Sendable (Int) -> Void = { _ in },
    whenReady: @escaping @Sendable (Int) async -> Void = { _ in },
    whenResting: @escaping @Sendable () async -> Void = {}
) throws -> some ApplicationProtocol {
    let state = ServerState()
    let metrics = ServerMetrics()
    let predictor = Predictor(
        catalog: catalog, imageLimits: configuration.imageLimits,
        fetcher: ImageFetcher(policy: configuration.fetchPolicy, maxSize: configuration.maxBodySize))
    let responder = Responder(
        hosted: HostedRoute(predictor: predictor, access: access, configuration: configuration, state: state),
        infer: InferRoutes(predictor: predictor, access: access, configuration: configuration, state: state),
        workspace: WorkspaceRoutes(catalog: catalog, access: access, scheme: configuration.scheme),
        health: HealthRoutes(
            state: state, counts: metrics, version: configuration.version,
            backend: (catalog.backendName, catalog.precision), instanceID: UUID().uuidString.lowercased()),
        assets: AssetRoutes(), metrics: metrics,
        origins: OriginPolicy(
            configuration.origins, needsKey: !access.isOpen, listeningHost: configuration.host),
        logger: logger)
    let http1 = HTTP1Channel.Configuration(
        additionalChannelHandlers: [ExchangeHandler(maxUnwanted: 2 * configuration.maxBodySize)],
        idleTimeout: .seconds(75),
        // An address may hold a small picture. The responder refuses more than `RequestHead` allows.
        httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 2 * RequestHead.maxTarget, maxHeaderListSize: 3 * RequestHead.maxTarget,
            maxHeaderFieldCount: 256))
    let server: HTTPServerBuilder
    if let files = configuration.certificate {
        server = try .http2Upgrade(
            tlsConfiguration: try CertificateStore(files, logger: logger).configuration,
            configuration: .init(idleTimeout: .seconds(75), streamConfiguration: http1))
    } else {
        server = .http1(configuration: http1)
    }
    return Application(
        responder: responder,
        server: server,
        configuration: ApplicationConfiguration(
            address: .hostname(configuration.host, port: configuration.port), serverName: "Silhouette"),
        services: [
            ModelPreloader(
                catalog: catalog, models: configuration.preload, state: state, logger: logger, whenReady: whenReady),
            RestWatcher(state: state, quiet: .seconds(15), whenResting: whenResting),
        ],
        onServerRunning: { channel in
            let port = channel.localAddress?.port ?? configuration.port
            state.isListening(on: port)
            whenListening(port)
        },
        logger: logger)
}
