import AnnotationFormats
import HTTPTypes
import Hummingbird
import InstanceSegmentation
import NIOCore
import RuntimeSupport
import Serving

/// `GET` and `POST /{dataset}/{version}`: an image in, its objects out.
struct PredictionRoutes: Sendable {
    let service: any PredictionService
    let access: RequestAccess
    let bodies: BodyReader
    let answers: AnswerBodies
    let readiness: Readiness
    let scheduler: Scheduler
    let workers: WorkerPool

    func predict(_ id: ModelID, _ request: Request, _ context: ServerContext) async throws -> Response {
        var parameters = Parameters(query: request.uri.query)
        try access.checkRoom(parameters, request, scheduler)
        let early = try await access.grantBeforeBody(parameters, request, context.record)
        if let early { try readiness.check(id, early) }
        try await readiness.requireReady(id)
        try bodies.checkRoom(early, scheduler)
        try answers.memory.requireRoom()
        let (source, lease) = try await source(of: request, context, &parameters, early)
        let key = RequestAccess.presentedKey(parameters: parameters, headers: request.headers)
        let grant = try await access.grant(early, or: key, context.record)
        let owner = context.owner(grant)
        try await lease?.move(toKnown: owner, within: PredictionRequest.patience(parameters))
        try readiness.check(id, grant)
        let asked = try PredictionRequest(parameters)
        let image = try await withTaskExecutorPreference(workers) {
            try Task.checkCancellation()
            return try source.input()
        }
        guard let image else { throw ServiceError.missingImage }
        var query = asked.query(for: id, [image])
        query.body = lease
        let outcome = try await service.predict(query, grant: grant)
        context.record.add(outcome)
        let channel = context.channel
        let response = try await withTaskExecutorPreference(workers) {
            try Task.checkCancellation()
            return try answer(outcome, asked) { answers.body($0, owner: owner, channel) }
        }
        lease?.release()
        return response
    }

    /// Where the request's image is. An address in the query takes precedence over a body, which is then not read.
    /// - Parameter grant: what the caller may do, where its key is known already; it may stand in the body. Faults of the body are not
    ///   told to a client without a key.
    private func source(
        of request: Request, _ context: ServerContext, _ parameters: inout Parameters, _ grant: Grant?
    ) async throws -> (ImageSource, BodyLease?) {
        if let address = parameters.nonEmpty("image") { return (.url(address), nil) }
        guard request.method == .post else { return (.none, nil) }
        let plan = BodyReader.Plan(patience: PredictionRequest.patience(parameters))
        let read = try await bodies.read(request, context, grant: grant, plan)
        guard read.bytes.readableBytes > 0 else { return (.none, read.lease) }
        let type = request.headers[.contentType]
        let body: ImageBody
        do {
            body = try await withTaskExecutorPreference(workers) {
                try Task.checkCancellation()
                return try ImageBody(read.bytes, contentType: type)
            }
        } catch {
            throw grant != nil ? error : ServiceError.unauthorized
        }
        parameters.addBody(body.fields)
        return (body.image, read.lease)
    }

    private func answer(
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
