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

    func infer(_ request: Request, _ context: ServerContext, _ log: inout RequestLog) async throws -> Response {
        let early = try await earlyGrant(request, &log)
        guard state.isReady || state.isStarting else { throw ServingError.notReady }
        return try await state.admitted(limit: configuration.maxRequests) {
            let asked = try InferRequest(
                try await request.collectedBody(limit: configuration.maxBodySize, context: context))
            let grant = try await access.grant(early, or: Access.usable(asked.key), &log)
            guard let id = ModelID(asked.modelID) else { throw ServingError.invalidModelID }
            try grant.require(id)
            try predictor.catalog.require(id, visible: grant.allows)
            try await predictor.requireReady(id, state)
            let model = try await predictor.catalog.model(id)
            try await access.spend(grant)
            var writer = JSONWriter()
            var headers = HTTPFields()
            if asked.isList { writer.raw("[") }
            for (i, image) in asked.images.enumerated() {
                let prediction = try await predictor.predict(image, with: model, asked.prediction)
                log.note(prediction.segmentation, model: id)
                headers = prediction.segmentation.timing.headers
                if i > 0 { writer.raw(",") }
                let answer = PredictionResponse(
                    prediction.segmentation, maskFormat: asked.prediction.maskFormat, visualization: prediction.drawing)
                writer.raw(answer.json(inferenceID: asked.id))
            }
            if asked.isList { writer.raw("]") }
            headers[.modelID] = id.description
            return .json(writer.bytes, headers: headers)
        }
    }

    /// The list of models, opened or not, so that a client never has to ask for one to be added.
    func registry(_ request: Request, _ log: inout RequestLog) async throws -> Response {
        try registry(try await access.grant(try await earlyGrant(request, &log), or: nil, &log))
    }

    /// `{"model_id": "...", "api_key": "..."}`: opens a model.
    func add(_ request: Request, _ context: ServerContext, _ log: inout RequestLog) async throws -> Response {
        let (id, grant) = try await named(request, context, &log)
        _ = try await predictor.catalog.model(id)
        return try registry(grant)
    }

    /// `{"model_id": "..."}`: lets a model's memory go; it is opened again when it is next used.
    func remove(_ request: Request, _ context: ServerContext, _ log: inout RequestLog) async throws -> Response {
        let (id, grant) = try await named(request, context, &log)
        try await predictor.catalog.close(id)
        return try registry(grant)
    }

    /// Lets the memory of all models go.
    func clear(_ request: Request, _ log: inout RequestLog) async throws -> Response {
        let grant = try await access.grant(try await earlyGrant(request, &log), or: nil, &log)
        for location in predictor.catalog.locations where grant.allows(location.id) {
            try await predictor.catalog.close(location.id)
        }
        return try registry(grant)
    }

    /// `GET /start/{dataset}/{version}`: opens a model, as scripts for the open server ask for it.
    func start(_ id: ModelID, _ request: Request, _ log: inout RequestLog) async throws -> Response {
        let grant = try await access.grant(try await earlyGrant(request, &log), or: nil, &log)
        try grant.require(id)
        _ = try await predictor.catalog.model(id)
        return .json(Array(#"{"status":200,"message":"inference session started from local memory."}"#.utf8))
    }

    /// `GET /clear_cache`: the same as `clear`, in the words of the open server.
    func clearCache(_ request: Request, _ log: inout RequestLog) async throws -> Response {
        _ = try await clear(request, &log)
        return .json(Array(#""Cache Cleared""#.utf8))
    }

    // MARK: Keys

    private func earlyGrant(_ request: Request, _ log: inout RequestLog) async throws -> Access.Grant? {
        try await access.earlyGrant(parameters: Parameters(query: request.uri.query), headers: request.headers, &log)
    }

    private func named(
        _ request: Request, _ context: ServerContext, _ log: inout RequestLog
    ) async throws -> (ModelID, Access.Grant) {
        struct Body: Decodable {
            let model_id: String
            let api_key: String?
        }
        let early = try await earlyGrant(request, &log)
        let buffer = try await request.collectedBody(limit: 65_536, context: context)
        try buffer.withUnsafeReadableBytes { try JSONStructure.check($0) }
        let body: Body
        do {
            body = try JSONDecoder().decode(Body.self, from: Data(buffer.readableBytesView))
        } catch let error as DecodingError {
            throw ServingError(error)
        }
        let grant = try await access.grant(early, or: Access.usable(body.api_key), &log)
        guard let id = ModelID(body.model_id) else { throw ServingError.invalidModelID }
        try grant.require(id)
        try predictor.catalog.require(id, visible: grant.allows)
        return (id, grant)
    }

    private func registry(_ grant: Access.Grant) throws -> Response {
        struct Model: Encodable {
            let model_id: String
            let task_type = "instance-segmentation"
        }
        struct Registry: Encodable {
            let models: [Model]
        }
        let visible = predictor.catalog.locations.map(\.id).filter(grant.allows)
        return try .json(Registry(models: visible.map { Model(model_id: $0.description) }))
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
