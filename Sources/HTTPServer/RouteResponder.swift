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
    let workers: WorkerPool

    /// The handler's work is canceled when its client leaves.
    func respond(to request: Request, context: ServerContext) async throws -> Response {
        try await withCancellationOnDisconnect(context) { try await answer(request, context) }
    }

    private func answer(_ request: Request, _ context: ServerContext) async throws -> Response {
        switch context.route {
        case .health: return health.health()
        case .readiness: return health.readiness()
        case .info: return try await health.info(request, context)
        case .metrics:  // may have thousands of series
            return try await withTaskExecutorPreference(workers) { try await health.metrics(request, context) }
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
        case .workspace(let slug):  // may name many thousand classes
            return try await withTaskExecutorPreference(workers) {
                try await workspace.workspace(slug, request, context)
            }
        case .project(let dataset, let slug):
            return try await withTaskExecutorPreference(workers) {
                try await workspace.project(dataset, in: slug, request, context)
            }
        case .version(let id, let slug): return try await workspace.version(id, in: slug, request, context)
        case .trainings(let id, let isOne):
            return try await workspace.trainings(id, isOne: isOne, request, context)
        case .unknown: throw RequestError.notFound
        }
    }
}
