import AnnotationFormats
import HTTPTypes
import Hummingbird
import InstanceSegmentation
import NIOCore
import RuntimeSupport
import Serving

/// `GET` and `POST /{dataset}/{version}`: an image in, its objects out.
struct PredictionRoutes: Sendable {
    let stages: PredictionStages

    func predict(_ id: ModelID, _ request: Request, _ context: ServerContext) async throws -> Response {
        var parameters = context.parameters
        let readiness = stages.readiness
        let early = try await stages.admit(request, context) { grant in
            if let grant { try readiness.check(id, grant) }
            try await readiness.requireReady(id)
        }
        let (source, lease) = try await source(of: request, context, &parameters, early)
        let key = RequestAccess.presentedKey(parameters: parameters, headers: request.headers)
        let grant = try await stages.access.grant(early, or: key, context.record)
        try await lease?.move(toKnown: context.owner(grant), within: PredictionRequest.patience(parameters))
        try readiness.check(id, grant)
        let (asked, image) = try await stages.onWorkers(for: grant) { [parameters] in
            (try PredictionRequest(parameters), try source.input())
        }
        guard let image else { throw ServiceError.missingImage }
        return try await stages.respond(to: asked.query(for: id, [image]), grant, lease, context) { outcome, body in
            try Self.response(outcome, asked, body)
        }
    }

    /// Where the request's image is. An address in the query takes precedence over a body, which is then not read.
    /// - Parameter grant: what the caller may do, where its key is known already; it may stand in the body. Faults of the body are not
    ///   told to a client without a key.
    private func source(
        of request: Request, _ context: ServerContext, _ parameters: inout Parameters, _ grant: Grant?
    ) async throws -> (ImageSource, BodyLease?) {
        if let address = parameters.nonEmpty("image") { return (.url(address), nil) }
        guard request.method == .post else { return (.none, nil) }
        let plan = BodyReader.Plan(
            isText: request.headers.announceText, patience: PredictionRequest.patience(parameters))
        let read = try await stages.bodies.read(request, context, grant: grant, plan)
        guard read.bytes.readableBytes > 0 else { return (.none, read.lease) }
        let type = request.headers[.contentType]
        let body: ImageBody
        do {
            body = try await stages.onWorkers(for: grant) { try ImageBody(read.bytes, contentType: type) }
        } catch {
            throw grant != nil ? error : ServiceError.unauthorized
        }
        parameters.addBody(body.fields, oversized: body.oversized)
        return (body.image, read.lease)
    }

    private static func response(
        _ outcome: PredictionOutcome, _ asked: PredictionRequest, _ body: ([UInt8]) -> ResponseBody
    ) throws -> Response {
        guard let item = outcome.items.first else { throw ServiceError.missingImage }
        var headers = item.segmentation.timing.headers
        headers[.modelID] = outcome.modelID.description
        headers[.cacheControl] = "no-store"
        let bytes: [UInt8]
        switch asked.format {
        case .image:
            bytes = item.drawing ?? []
            headers[.contentType] = "image/jpeg"
        case .json, .imageAndJSON:
            bytes = PredictionResponse(
                item.segmentation, maskFormat: asked.maskFormat, visualization: item.drawing,
                simplification: asked.simplification
            ).json()
            headers[.contentType] = "application/json"
        case .export(let format):
            bytes = item.file ?? []
            headers[.contentType] = format.mediaType
        }
        return Response(status: .ok, headers: headers, body: body(bytes))
    }
}

extension StageTiming {
    /// `Server-Timing` (milliseconds) and `X-Processing-Time` (seconds).
    var headers: HTTPFields {
        func milliseconds(_ duration: Duration) -> String {
            ((duration.seconds * 1e5).rounded() / 100).description
        }
        var headers = HTTPFields()
        headers[.serverTiming] = stages.map { "\($0.name);dur=\(milliseconds($0.duration))" }.joined(separator: ", ")
        headers[.processingTime] = ((total.seconds * 1e6).rounded() / 1e6).description
        return headers
    }
}
