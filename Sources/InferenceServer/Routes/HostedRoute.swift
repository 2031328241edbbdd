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

    func predict(_ id: ModelID, _ request: Request, _ log: inout RequestLog) async throws -> Response {
        var parameters = Parameters(query: request.uri.query)
        // A key in the query or a header is checked before the body is read.
        let earlyKey = Access.presentedKey(parameters: parameters, headers: request.headers)
        if earlyKey != nil { log.keyID = try access.check(earlyKey) }
        guard state.isReady else { throw ServingError.notReady }
        return try await state.admitted(limit: configuration.maxRequests) {
            let source = try await image(of: request, &parameters)
            if earlyKey == nil {
                log.keyID = try access.check(Access.presentedKey(parameters: parameters, headers: request.headers))
            }
            let asked = try PredictionRequest(parameters)
            let model = try await predictor.catalog.model(id)
            let prediction = try await predictor.predict(source, with: model, asked)
            log.note(prediction.segmentation)
            return response(prediction, model: model, asked)
        }
    }

    /// Where the request's image is. An address in the query goes before any body, which is then not looked at.
    private func image(of request: Request, _ parameters: inout Parameters) async throws -> ImageSource {
        if let address = parameters.nonEmpty("image") { return .url(address) }
        guard request.method == .post else { return .none }
        let buffer = try await request.collectedBody(limit: configuration.maxBodySize)
        guard buffer.readableBytes > 0 else { return .none }
        let body = try ImageBody(buffer, contentType: request.headers[.contentType])
        parameters.addBody(body.fields)
        return body.image
    }

    private func response(
        _ prediction: Predictor.Prediction, model: ServedModel, _ asked: PredictionRequest
    ) -> Response {
        var headers = prediction.segmentation.timing.headers
        headers[.modelID] = model.id.description
        headers[.cacheControl] = "no-store"
        if asked.format == .image, let picture = prediction.picture {
            headers[.contentType] = "image/jpeg"
            return Response(
                status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: picture)))
        }
        let answer = PredictionResponse(
            prediction.segmentation, maskFormat: asked.maskFormat, visualization: prediction.picture)
        headers[.contentType] = "application/json"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.json())))
    }
}

extension Request {
    /// The whole body, refused as soon as it is known to be too large.
    func collectedBody(limit: Int) async throws -> ByteBuffer {
        if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw ServingError.unsupportedContentEncoding(encoding)
        }
        let announced = headers[.contentLength].flatMap { Int($0) }
        if let announced, announced > limit { throw ServingError.bodyTooLarge(limit: limit, size: announced) }
        var whole = ByteBuffer()
        whole.reserveCapacity(min(announced ?? 0, limit))
        for try await part in body {
            guard whole.readableBytes + part.readableBytes <= limit else {
                throw ServingError.bodyTooLarge(limit: limit, size: nil)
            }
            whole.writeImmutableBuffer(part)
        }
        return whole
    }
}

extension StageTiming {
    /// `Server-Timing` (milliseconds) and `X-Processing-Time` (seconds).
    var headers: HTTPFields {
        func milliseconds(_ duration: Duration) -> String {
            ((duration.seconds * 1e5).rounded() / 100).description
        }
        let stages = [
            ("decode", decode), ("queue", queue), ("preprocess", preprocess), ("inference", inference),
            ("postprocess", postprocess),
        ]
        var headers = HTTPFields()
        headers[.serverTiming] = stages.map { "\($0.0);dur=\(milliseconds($0.1))" }.joined(separator: ", ")
        headers[.processingTime] = ((total.seconds * 1e6).rounded() / 1e6).description
        return headers
    }
}
