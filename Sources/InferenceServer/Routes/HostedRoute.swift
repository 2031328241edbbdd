import HTTPTypes
import Hummingbird
import InstanceSegmentation
import NIOCore

/// `GET` and `POST /{dataset}/{version}`: a picture in, its objects out.
struct HostedRoute: Sendable {
    let predictor: Predictor
    let access: Access
    let configuration: ServerConfiguration
    let state: ServerState

    func predict(
        _ id: ModelID, _ request: Request, _ context: ServerContext, _ log: inout RequestLog
    ) async throws -> Response {
        var parameters = Parameters(query: request.uri.query)
        let early = try await access.earlyGrant(parameters: parameters, headers: request.headers, &log)
        if let early { try check(id, early) }
        try await predictor.requireReady(id, state)
        return try await state.admitted(limit: configuration.maxRequests) {
            let source = try await image(of: request, context, &parameters, isKnown: early != nil)
            let key = Access.presentedKey(parameters: parameters, headers: request.headers)
            let grant = try await access.grant(early, or: key, &log)
            try check(id, grant)
            let asked = try PredictionRequest(parameters)
            let model = try await predictor.catalog.model(id)
            try await access.spend(grant)
            let prediction = try await predictor.predict(source, with: model, asked)
            log.note(prediction.segmentation, model: id)
            return try response(prediction, model: model, asked)
        }
    }

    /// - Throws: `ServingError.unauthorized` for a key of other models, `ServingError.unknownModel`.
    private func check(_ id: ModelID, _ grant: Access.Grant) throws {
        try grant.require(id)
        try predictor.catalog.require(id, visible: grant.allows)
    }

    /// Where the request's image is. An address in the query goes before any body, which is then not looked at.
    /// - Parameter isKnown: whether the client's key is known already; it may stand in the body. Of somebody without a key the
    ///   body's faults are not told.
    private func image(
        of request: Request, _ context: ServerContext, _ parameters: inout Parameters, isKnown: Bool
    ) async throws -> ImageSource {
        if let address = parameters.nonEmpty("image") { return .url(address) }
        guard request.method == .post else { return .none }
        let buffer = try await request.collectedBody(limit: configuration.maxBodySize, context: context)
        guard buffer.readableBytes > 0 else { return .none }
        let body: ImageBody
        do {
            body = try ImageBody(buffer, contentType: request.headers[.contentType])
        } catch {
            throw isKnown ? error : ServingError.unauthorized
        }
        parameters.addBody(body.fields)
        return body.image
    }

    private func response(
        _ prediction: Predictor.Prediction, model: ServedModel, _ asked: PredictionRequest
    ) throws -> Response {
        var headers = prediction.segmentation.timing.headers
        headers[.modelID] = model.id.description
        headers[.cacheControl] = "no-store"
        let bytes: [UInt8]
        switch asked.format {
        case .image:
            bytes = prediction.drawing ?? []
            headers[.contentType] = "image/jpeg"
        case .json, .imageAndJSON:
            bytes = PredictionResponse(
                prediction.segmentation, maskFormat: asked.maskFormat, visualization: prediction.drawing,
                simplification: asked.simplification
            ).json()
            headers[.contentType] = "application/json"
        case .export(let format):
            bytes = try format.file(
                for: ExportedPicture(
                    file: asked.fileName, segmentation: prediction.segmentation,
                    classNames: model.segmenter.model.classNames, picture: prediction.picture,
                    simplification: asked.simplification))
            headers[.contentType] = format.mediaType
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
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
