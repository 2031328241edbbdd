import AnnotationFormats
import Foundation
import HTTPTypes
import Hummingbird
import InstanceSegmentation
import NIOCore
import RuntimeSupport
import Serving

/// `/infer/instance_segmentation` and `/model/...`: what the `inference-sdk` package calls.
struct InferRoutes: Sendable {
    let stages: PredictionStages
    let pool: ModelPool
    /// The most images of one request.
    let maxImages: Int

    private var access: RequestAccess { stages.access }
    private var readiness: Readiness { stages.readiness }

    func infer(_ request: Request, _ context: ServerContext) async throws -> Response {
        let early = try await stages.admit(request, context) { _ in }
        let (asked, lease) = try await read(request, context, early)
        let grant = try await access.grant(early, or: RequestAccess.usable(asked.key), context.record)
        try await lease.move(toKnown: context.owner(grant), within: asked.prediction.timeout)
        guard let id = ModelID(asked.modelID) else { throw RequestError.invalidModelID }
        try readiness.check(id, grant)
        try await readiness.requireReady(id)
        if asked.images.isEmpty { return .json(Array("[]".utf8)) }
        let inputs = try await stages.onWorkers(for: grant) {
            try asked.images.map { image in
                try Task.checkCancellation()
                guard let input = try image.source().input() else { throw ServiceError.missingImage }
                return input
            }
        }
        let query = asked.prediction.query(for: id, inputs)
        return try await stages.respond(to: query, grant, lease, context) { outcome, body in
            Self.response(outcome, asked, body)
        }
    }

    /// Reads and parses the body. The text of its images is kept until they are decoded, next to the body itself. What is wrong with
    /// it is told to anyone, as the open server's framework does before it looks for a key.
    private func read(
        _ request: Request, _ context: ServerContext, _ grant: Grant?
    ) async throws -> (InferRequest, BodyLease) {
        let plan = BodyReader.Plan(isText: true)
        let body = try await stages.bodies.read(request, context, grant: grant, plan)
        return (
            try await stages.onWorkers(for: grant) { try InferRequest(body.bytes, maxImages: maxImages) }, body.lease
        )
    }

    private static func response(
        _ outcome: PredictionOutcome, _ asked: InferRequest, _ body: ([UInt8]) -> ResponseBody
    ) -> Response {
        var writer = JSONWriter()
        func write(_ item: PredictionOutcome.Item, to writer: inout JSONWriter) {
            let answer = PredictionResponse(
                item.segmentation, maskFormat: asked.prediction.maskFormat, visualization: item.drawing)
            writer.raw(answer.json(inferenceID: asked.id))
        }
        if asked.isList {
            writer.list(outcome.items) { write($1, to: &$0) }
        } else if let item = outcome.items.first {
            write(item, to: &writer)
        }
        var headers = outcome.items.last?.segmentation.timing.headers ?? HTTPFields()
        headers[.modelID] = outcome.modelID.description
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        return Response(status: .ok, headers: headers, body: body(writer.bytes))
    }

    // MARK: Models

    /// The list of models, loaded or not, so that a client never has to ask for one to be added.
    func registry(_ request: Request, _ context: ServerContext) async throws -> Response {
        try registry(try await access.grant(request, context), context)
    }

    /// `{"model_id": "..."}`: loads a model. Clients call it before they predict; a key without the scope `manage` gets the list of its
    /// models, and the first prediction loads the model, so that it cannot evict those of others.
    func add(_ request: Request, _ context: ServerContext) async throws -> Response {
        let (id, grant) = try await named(request, context, anyOf: [.predict, .manage])
        if grant.allows(.manage) { try await pool.load(id, for: grant) }
        return try registry(grant, context)
    }

    /// `{"model_id": "..."}`: evicts a model from memory; the next prediction loads it again.
    func remove(_ request: Request, _ context: ServerContext) async throws -> Response {
        let (id, grant) = try await named(request, context, anyOf: [.manage])
        try await pool.close(id, for: grant)
        return try registry(grant, context)
    }

    /// Evicts all models that the key may use. A key that is not in the query or a header may be in the body:
    /// `{"api_key": "..."}`.
    func clear(_ request: Request, _ context: ServerContext) async throws -> Response {
        let early = try await access.grantBeforeBody(request, context, anyOf: [.manage])
        let key = try await early == nil ? keyInBody(of: request, context) : nil
        let grant = try await access.grant(early, or: key, context.record, anyOf: [.manage])
        try await evictAll(grant)
        return try registry(grant, context)
    }

    private func evictAll(_ grant: Grant) async throws {
        for id in pool.repository.index.ids where grant.allows(id) {
            // A version may be removed from the folder meanwhile.
            do { try await pool.close(id) } catch PoolError.unknownModel {}
        }
    }

    /// `GET /start/{dataset}/{version}`: loads a model, as scripts for the open server ask for it.
    func start(_ id: ModelID, _ request: Request, _ context: ServerContext) async throws -> Response {
        let grant = try await access.grant(request, context, anyOf: [.manage, .predict])
        try readiness.check(id, grant)  // a key that does not open the model is not told what else it lacks
        try grant.require(anyOf: [.manage])
        try await pool.load(id, for: grant)
        return .json(Array(#"{"status":200,"message":"inference session started from local memory."}"#.utf8))
    }

    /// `GET /clear_cache`: the same as `clear`, in the words of the open server.
    func clearCache(_ request: Request, _ context: ServerContext) async throws -> Response {
        try await evictAll(try await access.grant(request, context, anyOf: [.manage]))
        return .json(Array(#""Cache Cleared""#.utf8))
    }

    private func named(
        _ request: Request, _ context: ServerContext, anyOf scopes: [APIKey.Scope]
    ) async throws -> (ModelID, Grant) {
        struct Body: Decodable {
            let model_id: String
            let api_key: String?
        }
        let early = try await access.grantBeforeBody(request, context, anyOf: scopes)
        let read = try await stages.bodies.read(request, context, grant: early, BodyReader.Plan(limit: 65_536))
        let body = try Self.decode(Body.self, from: read.bytes)
        let grant = try await access.grant(early, or: RequestAccess.usable(body.api_key), context.record, anyOf: scopes)
        guard let id = ModelID(body.model_id) else { throw RequestError.invalidModelID }
        try readiness.check(id, grant)
        return (id, grant)
    }

    /// The key in the body of a request that has none in its query and headers. The body may be empty.
    private func keyInBody(of request: Request, _ context: ServerContext) async throws -> String? {
        struct Body: Decodable {
            let api_key: String?
        }
        let read = try await stages.bodies.read(request, context, grant: nil, BodyReader.Plan(limit: 65_536))
        guard read.bytes.readableBytes > 0 else { return nil }
        return RequestAccess.usable(try Self.decode(Body.self, from: read.bytes).api_key)
    }

    private static func decode<Body: Decodable>(_ type: Body.Type, from bytes: ByteBuffer) throws -> Body {
        try bytes.withUnsafeReadableBytes { try JSONStructure.check($0) }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes.readableBytesView))
        } catch let error as DecodingError {
            throw RequestError(error)
        }
    }

    private func registry(_ grant: Grant, _ context: ServerContext) throws -> Response {
        struct Model: Encodable {
            let model_id: String
            let task_type = "instance-segmentation"
        }
        struct Registry: Encodable {
            let models: [Model]
        }
        let visible = pool.repository.index.ids.filter(grant.allows)
        return try stages.answers.json(
            Registry(models: visible.map { Model(model_id: $0.description) }), grant, context)
    }
}
