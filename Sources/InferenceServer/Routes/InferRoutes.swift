import Foundation
import HTTPTypes
import Hummingbird
import InstanceSegmentation
import NIOCore

/// `/infer/instance_segmentation` and `/model/...`: what the `inference-sdk` package calls.
struct InferRoutes: Sendable {
    let predictor: Predictor
    let access: Access
    let configuration: ServerConfiguration
    let state: ServerState

    func infer(_ request: Request, _ log: inout RequestLog) async throws -> Response {
        let early = try checkEarlyKey(request, &log)
        guard state.isReady else { throw ServingError.notReady }
        return try await state.admitted(limit: configuration.maxRequests) {
            let asked = try InferRequest(try await request.collectedBody(limit: configuration.maxBodySize))
            if !early { log.keyID = try access.check(Access.usable(asked.key)) }
            guard let id = ModelID(asked.modelID) else { throw ServingError.invalidModelID }
            let model = try await predictor.catalog.model(id)
            var writer = JSONWriter()
            var headers = HTTPFields()
            if asked.isList { writer.raw("[") }
            for (i, image) in asked.images.enumerated() {
                let prediction = try await predictor.predict(image, with: model, asked.prediction)
                log.note(prediction.segmentation)
                headers = prediction.segmentation.timing.headers
                if i > 0 { writer.raw(",") }
                let answer = PredictionResponse(
                    prediction.segmentation, maskFormat: asked.prediction.maskFormat, visualization: prediction.picture)
                writer.raw(answer.json(inferenceID: asked.id))
            }
            if asked.isList { writer.raw("]") }
            headers[.modelID] = id.description
            return .json(writer.bytes, headers: headers)
        }
    }

    /// The list of models, opened or not, so that a client never has to ask for one to be added.
    func registry(_ request: Request, _ log: inout RequestLog) throws -> Response {
        guard try checkEarlyKey(request, &log) || isOpen else { throw ServingError.unauthorized }
        return try registry()
    }

    /// `{"model_id": "...", "api_key": "..."}`: opens a model.
    func add(_ request: Request, _ log: inout RequestLog) async throws -> Response {
        let id = try await named(request, &log)
        _ = try await predictor.catalog.model(id)
        return try registry()
    }

    /// `{"model_id": "..."}`: lets a model's memory go; it is opened again when it is next used.
    func remove(_ request: Request, _ log: inout RequestLog) async throws -> Response {
        try await predictor.catalog.close(try await named(request, &log))
        return try registry()
    }

    /// Lets the memory of all models go.
    func clear(_ request: Request, _ log: inout RequestLog) async throws -> Response {
        guard try checkEarlyKey(request, &log) || isOpen else { throw ServingError.unauthorized }
        for location in predictor.catalog.locations { try await predictor.catalog.close(location.id) }
        return try registry()
    }

    private var isOpen: Bool { if case .open = access { true } else { false } }

    /// Checks a key of the query or a header; whether there was one.
    private func checkEarlyKey(_ request: Request, _ log: inout RequestLog) throws -> Bool {
        let parameters = Parameters(query: request.uri.query)
        guard let key = Access.presentedKey(parameters: parameters, headers: request.headers) else { return false }
        log.keyID = try access.check(key)
        return true
    }

    private func named(_ request: Request, _ log: inout RequestLog) async throws -> ModelID {
        struct Body: Decodable {
            let model_id: String
            let api_key: String?
        }
        let early = try checkEarlyKey(request, &log)
        let buffer = try await request.collectedBody(limit: 65_536)
        let body: Body
        do {
            body = try JSONDecoder().decode(Body.self, from: Data(buffer.readableBytesView))
        } catch let error as DecodingError {
            throw ServingError(error)
        }
        if !early { log.keyID = try access.check(Access.usable(body.api_key)) }
        guard let id = ModelID(body.model_id) else { throw ServingError.invalidModelID }
        return id
    }

    private func registry() throws -> Response {
        struct Model: Encodable {
            let model_id: String
            let task_type = "instance-segmentation"
        }
        struct Registry: Encodable {
            let models: [Model]
        }
        return try .json(Registry(models: predictor.catalog.locations.map { Model(model_id: $0.id.description) }))
    }
}

extension Response {
    /// Bytes that are JSON.
    static func json(_ bytes: [UInt8], headers: HTTPFields = HTTPFields()) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// A small answer.
    static func json(_ value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return .json([UInt8](try encoder.encode(value)))
    }
}
