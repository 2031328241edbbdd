import HTTPTypes
import Hummingbird
import InstanceSegmentation
import Logging
import RuntimeSupport
import Serving

/// Gives every request its identifier and its route, which the other middlewares read from the context.
struct RouteMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    let index: @Sendable () -> ModelIndex
    /// Where long queries are parsed.
    let workers: WorkerPool

    /// Bytes of a query that takes so long to parse that nothing else should wait for it.
    private static let longQuery = 16 << 10

    func handle(_ request: Request, context: ServerContext, next: NextResponder) async throws -> Response {
        var context = context
        context.requestID = RequestID.identifier(of: request)
        // A head that is too large has no route: its error is told in the hosted style.
        if (try? RequestHead.check(request)) != nil {
            let query = request.uri.query
            if query?.utf8.count ?? 0 > Self.longQuery {
                context.parameters = await withTaskExecutorPreference(workers) { Parameters(query: query) }
            } else {
                context.parameters = Parameters(query: query)
            }
            context.route = Route(
                path: request.uri.path, method: request.method, served: index().ids,
                hasImage: context.parameters.nonEmpty("image") != nil)
        }
        var response = try await next(request, context)
        response.headers[.requestID] = context.requestID
        response.headers[.xContentTypeOptions] = "nosniff"
        return request.method == .head ? response.createHeadResponse() : response
    }
}

/// Writes one line for each request.
struct LogMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    let logger: Logger

    func handle(_ request: Request, context: ServerContext, next: NextResponder) async throws -> Response {
        let start = ContinuousClock.now
        let response = try await next(request, context)
        let status = response.status.code
        let content = context.record.content
        var metadata: Logger.Metadata = [
            "request": "\(context.requestID)", "status": "\(status)",
            "ms": "\(Int(((ContinuousClock.now - start).seconds * 1000).rounded()))",
        ]
        if let key = content.keyID { metadata["key"] = "\(key)" }
        if let error = content.error { metadata["error"] = "\(error)" }
        if !content.predictions.isEmpty {
            metadata["predictions"] = "\(content.predictions.reduce(0) { $0 + $1.detections })"
        }
        let nonFinite = content.predictions.reduce(0) { $0 + $1.nonFinite }
        if nonFinite > 0 { metadata["nonfinite"] = "\(nonFinite)" }
        logger.log(
            level: status >= 500 ? .warning : .info,
            "\(Self.excerpt(request.method.rawValue, 32)) \(Self.excerpt(request.uri.path, 512))", metadata: metadata)
        return response
    }

    /// The beginning of a text that a client chose. A line holds no more of it.
    static func excerpt(_ text: String, _ maxBytes: Int) -> String {
        guard text.utf8.count > maxBytes else { return text }
        return String(decoding: text.utf8.prefix(maxBytes), as: UTF8.self) + "…"
    }
}

/// Counts each request and its predictions.
struct ServiceMetricsMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    let metrics: ServiceMetrics

    /// Labels of the errors that tell a client to come back later.
    private static let refusals: Set<String> = [
        "overloaded", "memory", "deadline", "not_ready", "key_store_busy", "key_store_full",
    ]

    func handle(_ request: Request, context: ServerContext, next: NextResponder) async throws -> Response {
        let start = ContinuousClock.now
        let response = try await next(request, context)
        let content = context.record.content
        metrics.request(
            route: context.route.label, status: response.status.code, error: content.error,
            duration: ContinuousClock.now - start)
        if response.status == .clientClosedRequest { metrics.cancelled() }
        if let error = content.error, Self.refusals.contains(error) { metrics.refused(error) }
        for prediction in content.predictions {
            metrics.prediction(
                stages: prediction.timing.stages, detections: prediction.detections,
                nonFinite: prediction.nonFinite, model: prediction.model.description)
        }
        return response
    }
}

/// Turns errors into answers in the style of their route.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    let logger: Logger

    func handle(_ request: Request, context: ServerContext, next: NextResponder) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let answer = ErrorResponse(error, style: context.route.errorStyle, methods: context.route.methods)
            if answer.isFault { logger.error("\(error)", metadata: ["request": "\(context.requestID)"]) }
            context.record.setError(answer.label)
            return answer.response
        }
    }
}

/// Sets the headers that let pages of other origins read an answer (CORS), errors included.
struct CrossOriginMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    let origins: OriginPolicy

    func handle(_ request: Request, context: ServerContext, next: NextResponder) async throws -> Response {
        var response = try await next(request, context)
        response.headers.append(contentsOf: (context.route.isPublic ? .any : origins).headers(for: request))
        return response
    }
}

/// Refuses requests that break a rule for all routes: heads that are too large, other websites on a server without keys, methods and
/// expectations that are not supported. Preflight requests of browsers are answered here.
struct AdmissionMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    let origins: OriginPolicy
    let index: @Sendable () -> ModelIndex

    func handle(_ request: Request, context: ServerContext, next: NextResponder) async throws -> Response {
        try RequestHead.check(request)
        let route = context.route
        if !route.isPublic { try origins.check(request, changesState: route.changesState) }
        if request.method == .options {
            return CrossOrigin.preflight(
                request, methods: Route.methods(ofPath: request.uri.path, served: index().ids),
                isAllowed: route.isPublic || request.headers[.origin].map(origins.allows) ?? false)
        }
        guard route != .unknown else { throw RequestError.notFound }
        guard route.methods.contains(request.method) else { throw RequestError.methodNotAllowed }
        if let expected = request.headers[.expect], expected.utf8.count > 64 || expected.lowercased() != "100-continue"
        {
            throw RequestError.unsupportedExpectation
        }
        return try await next(request, context)
    }
}
