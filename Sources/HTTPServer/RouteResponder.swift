import Hummingbird
import RuntimeSupport
import Serving

/// Calls the handler of a request's route; the middlewares around it do what all routes share.
struct RouteResponder: HTTPResponder {
    typealias Context = ServerContext

    let predictions: PredictionRoutes
    let inference: InferRoutes
    let workspace: WorkspaceRoutes
    let health: HealthRoutes
    let assets: AssetRoutes
    /// Where long answers are made.
    let workers: WorkerPool

    /// The handler's work is canceled when its client leaves.
    func respond(to request: Request, context: ServerContext) async throws -> Response {
        try await withCancellationOnDisconnect(context) {
            guard context.route.mayBeLong else { return try await answer(request, context) }
            return try await withTaskExecutorPreference(workers) { try await answer(request, context) }
        }
    }

    private func answer(_ request: Request, _ context: ServerContext) async throws -> Response {
        switch context.route {
        case .health: return health.health()
        case .readiness: return health.readiness()
        case .info: return try await health.info(request, context)
        case .metrics: return try await health.metrics(request, context)
        case .asset(let asset): return assets.asset(asset)
        case .model(let id): return try await predictions.predict(id, request, context)
        case .infer: return try await inference.infer(request, context)
        case .registry: return try await inference.registry(request, context)
        case .addModel: return try await inference.add(request, context)
        case .removeModel: return try await inference.remove(request, context)
        case .clearModels: return try await inference.clear(request, context)
        case .start(let id): return try await inference.start(id, request, context)
        case .clearCache: return try await inference.clearCache(request, context)
        case .keyCheck: return try await workspace.checkKey(request, context)
        case .workspace(let slug): return try await workspace.workspace(slug, request, context)
        case .project(let dataset, let slug):
            return try await workspace.project(dataset, in: slug, request, context)
        case .version(let id, let slug): return try await workspace.version(id, in: slug, request, context)
        case .trainings(let id, let isOne):
            return try await workspace.trainings(id, isOne: isOne, request, context)
        case .unknown: throw RequestError.notFound
        }
    }
}

extension Route {
    /// Whether an answer may list thousands of models, of their classes, or of the series of metrics, so that nothing
    /// else should wait while it is made.
    fileprivate var mayBeLong: Bool {
        switch self {
        case .info, .metrics, .registry, .addModel, .removeModel, .clearModels, .clearCache, .workspace, .project,
            .version:
            true
        case .health, .readiness, .asset, .model, .infer, .start, .keyCheck, .trainings, .unknown: false
        }
    }
}
