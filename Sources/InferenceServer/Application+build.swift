import Foundation
public import Hummingbird
public import Logging
import NIOCore

/// Puts a server together. Nothing runs until the application's `runService` is called.
///
/// - Parameters:
///   - catalog: the models.
///   - access: who may use them.
///   - whenListening: called with the port once the server listens; models may still be opening.
///   - whenReady: called with the port once predictions are answered.
public func buildApplication(
    _ configuration: ServerConfiguration,
    catalog: ModelCatalog,
    access: Access,
    logger: Logger,
    whenListening: @escaping @Sendable (Int) -> Void = { _ in },
    whenReady: @escaping @Sendable (Int) -> Void = { _ in }
) -> some ApplicationProtocol {
    let state = ServerState()
    let predictor = Predictor(
        catalog: catalog, imageLimits: configuration.imageLimits,
        fetcher: ImageFetcher(policy: configuration.fetchPolicy, maxSize: configuration.maxBodySize))
    let responder = Responder(
        hosted: HostedRoute(predictor: predictor, access: access, configuration: configuration, state: state),
        infer: InferRoutes(predictor: predictor, access: access, configuration: configuration, state: state),
        workspace: WorkspaceRoutes(catalog: catalog, access: access),
        health: HealthRoutes(
            state: state, version: configuration.version, instanceID: UUID().uuidString.lowercased()),
        logger: logger)
    return Application(
        responder: responder,
        server: .http1(
            configuration: .init(
                additionalChannelHandlers: [ContinueHandler(maxBodySize: configuration.maxBodySize)],
                idleTimeout: .seconds(75))),
        configuration: ApplicationConfiguration(
            address: .hostname(configuration.host, port: configuration.port), serverName: "Silhouette"),
        services: [
            ModelPreloader(
                catalog: catalog, models: configuration.preload, state: state, logger: logger, whenReady: whenReady)
        ],
        onServerRunning: { channel in
            let port = channel.localAddress?.port ?? configuration.port
            state.isListening(on: port)
            whenListening(port)
        },
        logger: logger)
}
