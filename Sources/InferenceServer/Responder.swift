import HTTPTypes
import Hummingbird
import InstanceSegmentation
import Logging

/// Answers every request: finds its route, turns errors into answers, sets the headers that all answers have, and logs one
/// line.
struct Responder: HTTPResponder {
    typealias Context = ServerContext

    let hosted: HostedRoute
    let infer: InferRoutes
    let workspace: WorkspaceRoutes
    let health: HealthRoutes
    let assets: AssetRoutes
    let metrics: ServerMetrics
    let origins: OriginPolicy
    let logger: Logger

    func respond(to request: Request, context: ServerContext) async throws -> Response {
        let start = ContinuousClock.now
        var log = RequestLog(request)
        var route = Route.unknown
        var response: Response
        do {
            try RequestHead.check(request)
            route = Route(
                path: request.uri.path, method: request.method, served: served,
                hasImage: Parameters(query: request.uri.query).nonEmpty("image") != nil)
            if !route.isPublic { try origins.check(request, changesState: route.changesState) }
            response = try await answer(route, request, context, &log)
        } catch {
            let answer = ErrorResponse(error, style: route.errorStyle, methods: route.methods)
            if answer.status.code >= 500, !(error is ServingError) {
                logger.error("\(error)", metadata: ["request": "\(log.requestID)"])
            }
            log.error = answer.label
            response = answer.response
        }
        response.headers[.requestID] = log.requestID
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers.append(contentsOf: (route.isPublic ? .any : origins).headers(for: request))
        if request.method == .head { response = response.createHeadResponse() }
        let duration = ContinuousClock.now - start
        log.write(to: logger, status: response.status.code, duration: duration)
        metrics.record(route: route.label, status: response.status.code, error: log.error, duration: duration)
        for prediction in log.predictions {
            metrics.record(
                prediction.timing, detections: prediction.detections, nonFinite: prediction.nonFinite,
                model: prediction.model)
        }
        return response
    }

    private var served: [ModelID] { hosted.predictor.catalog.locations.map(\.id) }

    private func answer(
        _ route: Route, _ request: Request, _ context: ServerContext, _ log: inout RequestLog
    ) async throws -> Response {
        if request.method == .options {
            return CrossOrigin.preflight(
                request, methods: Route.methods(ofPath: request.uri.path, served: served),
                isAllowed: route.isPublic || request.headers[.origin].map(origins.allows) ?? false)
        }
        guard route != .unknown else { throw ServingError.notFound }
        guard route.methods.contains(request.method) else { throw ServingError.methodNotAllowed }
        if let expected = request.headers[.expect], expected.utf8.count > 64 || expected.lowercased() != "100-continue"
        {
            throw ServingError.unsupportedExpectation
        }
        switch route {
        case .health: return health.health()
        case .readiness: return health.readiness()
        case .info: return health.info()
        case .metrics: return health.metrics()
        case .asset(let asset): return assets.asset(asset)
        case .model(let id): return try await hosted.predict(id, request, context, &log)
        case .infer: return try await infer.infer(request, context, &log)
        case .registry: return try await infer.registry(request, &log)
        case .addModel: return try await infer.add(request, context, &log)
        case .removeModel: return try await infer.remove(request, context, &log)
        case .clearModels: return try await infer.clear(request, &log)
        case .start(let id): return try await infer.start(id, request, &log)
        case .clearCache: return try await infer.clearCache(request, &log)
        case .keyCheck: return try await workspace.checkKey(request, &log)
        case .workspace(let slug): return try await workspace.workspace(slug, request, &log)
        case .project(let dataset, let slug): return try await workspace.project(dataset, in: slug, request, &log)
        case .version(let id, let slug): return try await workspace.version(id, in: slug, request, &log)
        case .trainings(let id, let isOne): return try await workspace.trainings(id, isOne: isOne, request, &log)
        case .unknown: throw ServingError.notFound
        }
    }
}
