import Foundation
public import Hummingbird
import HummingbirdCore
import InstanceSegmentation
public import Logging
public import NIOCore
import RuntimeSupport
import ServiceLifecycle
public import Serving

/// What the program does when something happens to the server.
public struct ServerEvents: Sendable {
    /// The server listens on a port; models may still be loading.
    public var onListening: @Sendable (Int) -> Void
    /// Predictions are answered on a port.
    public var onReady: @Sendable (Int) async -> Void
    /// No prediction was asked for in some seconds after others were.
    public var onIdle: @Sendable () async -> Void

    public init(
        onListening: @escaping @Sendable (Int) -> Void = { _ in },
        onReady: @escaping @Sendable (Int) async -> Void = { _ in },
        onIdle: @escaping @Sendable () async -> Void = {}
    ) {
        self.onListening = onListening
        self.onReady = onReady
        self.onIdle = onIdle
    }
}

/// Composes a server. Nothing runs until the application's `runService` is called.
///
/// - Parameters:
///   - pool: the models.
///   - access: who may use them.
///   - registry: where the page of metrics comes from.
///   - metrics: what counts requests and predictions, and what `pool` reports to, so that a removed model's series go.
///   - eventLoops: what serves connections; by default SwiftNIO's own, which all servers of a process share.
/// - Returns: the application, a function that starts to read the models and the certificate again, and one that counts
///   the requests in flight.
/// - Throws: `CertificateError` where HTTPS is asked for with files that cannot be used.
public func buildServer(
    _ configuration: ServerConfiguration, pool: ModelPool, access: Access, registry: PrometheusRegistry,
    metrics: ServiceMetrics, eventLoops: (any EventLoopGroup)? = nil, logger: Logger,
    events: ServerEvents = ServerEvents()
) throws -> (
    application: some ApplicationProtocol, reload: @Sendable () -> Void, requestsInFlight: @Sendable () -> Int
) {
    let state = ServerState()
    let limits = configuration.limits
    let memory = MemoryBudget(limits: memoryLimits(limits, maxBodySize: configuration.maxBodySize))
    let scheduler = Scheduler(
        limits: SchedulerLimits(
            concurrency: limits.concurrency, maxQueue: limits.maxQueue, queueTimeout: limits.queueTimeout),
        memory: memory)
    let workers = WorkerPool()
    let bodyMemory = BodyMemory(
        budget: memory, largestBody: BodyReader.maxCopies * configuration.maxBodySize, maxWaiting: limits.maxQueue,
        timeout: limits.queueTimeout)
    let service = LocalPredictionService(
        models: pool, scheduler: scheduler, bodies: bodyMemory, access: access,
        fetcher: ImageFetcher(policy: configuration.fetchPolicy, maxSize: configuration.maxBodySize), limits: limits,
        workers: workers)
    let requestAccess = RequestAccess(access: access)
    let stages = PredictionStages(
        service: service, access: requestAccess,
        bodies: BodyReader(memory: bodyMemory, maxSize: configuration.maxBodySize),
        answers: AnswerBodies(memory: AnswerMemory(budget: memory)), readiness: Readiness(state: state, pool: pool),
        scheduler: scheduler, workers: workers)
    let connections = connectionRegistry(configuration.connections, logger: logger)
    registry.addGauges(
        scheduler: scheduler, tiledTurns: service.tiledTurns, bodies: bodyMemory, pool: pool, state: state,
        connections: connections)
    let responder = RouteResponder(
        predictions: PredictionRoutes(stages: stages),
        inference: InferRoutes(stages: stages, pool: pool, maxImages: limits.maxImages),
        workspace: WorkspaceRoutes(
            pool: pool, access: requestAccess, answers: stages.answers, scheme: configuration.scheme),
        health: HealthRoutes(
            state: state, pool: pool, access: requestAccess, answers: stages.answers, registry: registry,
            servesMetrics: configuration.metricsAddress == nil, version: configuration.version,
            backend: (pool.backend.name, pool.backend.precision), instanceID: UUID().uuidString.lowercased()),
        assets: AssetRoutes(), workers: workers)
    let certificates = try configuration.certificate.map { try CertificateStore($0, logger: logger) }
    let metricsListener: [any Service] =
        configuration.metricsAddress.map { [MetricsListener(address: $0, registry: registry, logger: logger)] } ?? []
    let origins = OriginPolicy(
        configuration.origins, needsKey: !access.isOpen, listeningHost: configuration.host)
    let index: @Sendable () -> ModelIndex = { pool.repository.index }
    let middlewares: [MiddlewareChain.Middleware] = [
        RouteMiddleware(index: index, workers: workers), LogMiddleware(logger: logger), LibraryMetricsMiddleware(),
        ServiceMetricsMiddleware(metrics: metrics),
        CrossOriginMiddleware(origins: origins), ErrorMiddleware(logger: logger),
        AdmissionMiddleware(origins: origins, index: index),
    ]
    let reload: @Sendable () -> Void = {
        Task {
            do { try await pool.repository.rescan() } catch { logger.error("The models cannot be reloaded: \(error)") }
        }
        // On a thread of its own, of which a mount that hangs takes one: a second call does not wait for the first.
        if let certificates { DispatchQueue.global(qos: .utility).async { certificates.reload() } }
    }
    let application = Application(
        responder: MiddlewareChain(middlewares, around: responder),
        server: .guarded(
            limits: configuration.connections, registry: connections, maxBodySize: configuration.maxBodySize,
            certificates: certificates, isContended: { scheduler.snapshot.waiting > 0 }),
        configuration: ApplicationConfiguration(
            address: .hostname(configuration.host, port: configuration.port), serverName: "Silhouette"),
        services: metricsListener + [
            ModelPreloader(
                pool: pool, models: configuration.preload, state: state, logger: logger, onReady: events.onReady),
            ModelWatcher(pool: pool, logger: logger, watches: configuration.watchesModels),
            IdleMonitor(scheduler: scheduler, quiet: .seconds(15), onIdle: events.onIdle),
        ],
        onServerRunning: { channel in
            await pauseAccepting(on: channel, connections, logger: logger)
            let port = channel.localAddress?.port ?? configuration.port
            state.isListening(on: port)
            events.onListening(port)
        },
        eventLoopGroupProvider: eventLoops.map { .shared($0) } ?? .singleton, logger: logger)
    return (application, reload, { connections.requestsInFlight })
}

/// The shares of memory: a body of the largest size fits, from callers whose key stands in it too, and images never take what is for
/// bodies and answers.
private func memoryLimits(_ limits: ServiceLimits, maxBodySize: Int) -> MemoryLimits {
    let largest = BodyReader.maxCopies * maxBodySize
    let shares = MemoryLimits(
        total: limits.maxMemory, strangerBodies: max(limits.maxMemory / 16, largest),
        bodies: max(limits.maxMemory / 16 * 3, largest))
    return MemoryLimits(
        total: limits.maxMemory, strangerBodies: shares.strangerBodies, bodies: shares.bodies,
        images: shares.largestImages, answers: shares.answers)
}

/// Makes the registry of connections, within what the system's limit of open files allows.
private func connectionRegistry(_ limits: ConnectionLimits, logger: Logger) -> ConnectionRegistry {
    let descriptors = DescriptorLimit.raise()
    let registry = ConnectionRegistry(
        maxConnections: DescriptorLimit.connections(wanted: limits.maxConnections, limit: descriptors), logger: logger)
    if let descriptors, registry.maxConnections < limits.maxConnections {
        logger.warning(
            "The maximum number of connections is lowered to what the system's limit of open files allows",
            metadata: ["connections": "\(registry.maxConnections)", "files": "\(descriptors)"])
    }
    return registry
}

/// Stops accepting connections while there are no descriptors for them.
private func pauseAccepting(
    on channel: any Channel, _ registry: ConnectionRegistry, logger: Logger
) async {
    let added = channel.eventLoop.submit {
        let handler = AcceptPause(registry: registry, logger: logger)
        try channel.pipeline.syncOperations.addHandler(handler, position: .first)
    }
    do { try await added.get() } catch { logger.error("Accepting cannot be paused: \(error)") }
}
