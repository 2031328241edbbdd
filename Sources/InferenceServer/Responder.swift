import Foundation
import HTTPTypes
import Hummingbird
import InstanceSegmentation
import Logging

/// Answers every request: finds its route, turns errors into answers, sets the headers that all answers have, and logs one
/// line.
struct Responder: HTTPResponder {
    typealias Context = BasicRequestContext

    let hosted: HostedRoute
    let infer: InferRoutes
    let workspace: WorkspaceRoutes
    let health: HealthRoutes
    let logger: Logger

    func respond(to request: Request, context: Context) async throws -> Response {
        let start = ContinuousClock.now
        var log = RequestLog(request)
        let route = Route(
            path: request.uri.path, method: request.method, served: hosted.predictor.catalog.locations.map(\.id),
            hasImage: Parameters(query: request.uri.query).nonEmpty("image") != nil)
        var response: Response
        do {
            response = try await answer(route, request, &log)
        } catch {
            let answer = ErrorResponse(error, style: route.errorStyle)
            if answer.status.code >= 500, !(error is ServingError) {
                logger.error("\(error)", metadata: ["request": "\(log.requestID)"])
            }
            log.error = answer.label
            response = answer.response
        }
        response.headers[.requestID] = log.requestID
        response.headers[.xContentTypeOptions] = "nosniff"
        if request.headers[.origin] != nil { response.headers.append(contentsOf: CrossOrigin.headers) }
        if request.method == .head { response.body = ResponseBody() }
        log.write(to: logger, status: response.status.code, duration: ContinuousClock.now - start)
        return response
    }

    private func answer(_ route: Route, _ request: Request, _ log: inout RequestLog) async throws -> Response {
        if request.method == .options { return CrossOrigin.preflight(request) }
        guard route != .unknown else { throw ServingError.notFound }
        guard route.methods.contains(request.method) else { throw ServingError.methodNotAllowed }
        if let expected = request.headers[.expect], expected.lowercased() != "100-continue" {
            throw ServingError.unsupportedExpectation
        }
        switch route {
        case .health: return health.health()
        case .readiness: return health.readiness()
        case .info: return health.info()
        case .model(let id): return try await hosted.predict(id, request, &log)
        case .infer: return try await infer.infer(request, &log)
        case .registry: return try infer.registry(request, &log)
        case .addModel: return try await infer.add(request, &log)
        case .removeModel: return try await infer.remove(request, &log)
        case .clearModels: return try await infer.clear(request, &log)
        case .keyCheck: return try workspace.checkKey(request, &log)
        case .workspace(let slug): return try await workspace.workspace(slug, request, &log)
        case .project(let dataset, let slug): return try await workspace.project(dataset, in: slug, request, &log)
        case .version(let id, let slug): return try await workspace.version(id, in: slug, request, &log)
        case .trainings(let id, let isOne): return try workspace.trainings(id, isOne: isOne, request, &log)
        case .unknown: throw ServingError.notFound
        }
    }
}

/// What is known of a request when it is answered, for the log. A key appears only by its public id.
struct RequestLog: Sendable {
    let requestID: String
    private let method: String
    private let path: String
    var keyID: String?
    var timing: StageTiming?
    var predictions: Int?
    var error: String?

    init(_ request: Request) {
        method = request.method.rawValue
        path = request.uri.path
        let given = request.headers[.requestID]
        let isUsable =
            given.map { id in
                (1...128).contains(id.utf8.count)
                    && id.utf8.allSatisfy { byte in
                        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                            || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "._-".utf8.contains(byte)
                    }
            } ?? false
        requestID = isUsable ? given ?? "" : UUID().uuidString.lowercased()
    }

    /// Adds a prediction.
    mutating func note(_ segmentation: Segmentation) {
        timing = segmentation.timing
        predictions = (predictions ?? 0) + segmentation.detections.count
    }

    func write(to logger: Logger, status: Int, duration: Duration) {
        var metadata: Logger.Metadata = [
            "request": "\(requestID)", "status": "\(status)", "ms": "\(Int((duration.seconds * 1000).rounded()))",
        ]
        if let keyID { metadata["key"] = "\(keyID)" }
        if let error { metadata["error"] = "\(error)" }
        if let predictions { metadata["predictions"] = "\(predictions)" }
        logger.log(level: status >= 500 ? .warning : .info, "\(method) \(path)", metadata: metadata)
    }
}
