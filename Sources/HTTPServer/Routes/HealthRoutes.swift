import HTTPTypes
import Hummingbird
import InstanceSegmentation
import NIOCore
import Serving

/// `/healthz`, `/readiness`, `/info` and `/metrics`: what orchestrators and clients ask.
struct HealthRoutes: Sendable {
    let state: ServerState
    let pool: ModelPool
    let access: RequestAccess
    let answers: AnswerBodies
    let registry: PrometheusRegistry
    /// Whether metrics are served here; otherwise on a listener of their own.
    let servesMetrics: Bool
    let version: String
    /// The runtime, and the precision that it uses for networks of 32-bit floats.
    let backend: (name: String, precision: InferencePrecision)
    /// Stable for the life of the process.
    let instanceID: String

    func health() -> Response {
        json(.ok, #"{"status":"healthy"}"#)
    }

    func readiness() -> Response {
        state.isReady ? json(.ok, #"{"status":"ready"}"#) : json(.serviceUnavailable, #"{"status":"not ready"}"#)
    }

    /// The program, and the state of the models that the caller's key may use. Without a key no model is named.
    func info(_ request: Request, _ context: ServerContext) async throws -> Response {
        struct Answer: Encodable {
            let name = "Silhouette"
            let version: String
            let uuid: String
            let backend: String
            let precision: String
            var models: [ModelReport]?
        }
        let grant: Grant?
        do {
            grant = try await access.grant(request, context)
        } catch ServiceError.unauthorized {
            grant = nil
        } catch ServiceError.missingScope {
            grant = nil
        }
        var answer = Answer(
            version: version, uuid: instanceID, backend: backend.name, precision: backend.precision.rawValue)
        if let grant {
            var models: [ModelReport] = []
            for id in pool.repository.index.ids where grant.allows(id) {
                guard let status = try? await pool.status(of: id) else { continue }  // removed meanwhile
                models.append(ModelReport(id, status))
            }
            answer.models = models
        }
        return try answers.json(answer, grant, context)
    }

    /// The metrics page. Clients on this machine need no key; others need one with the scope `metrics`.
    func metrics(_ request: Request, _ context: ServerContext) async throws -> Response {
        guard servesMetrics else { throw RequestError.notFound }
        try await access.requireMetrics(request, peer: context.channel.remoteAddress, context)
        var response = MetricsPage.response([])
        response.body = answers.body(MetricsPage.bytes(registry), owner: context.owner(nil), context.channel)
        return response
    }

    private func json(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

/// The metrics in Prometheus' text format.
enum MetricsPage {
    static func bytes(_ registry: PrometheusRegistry) -> [UInt8] { Array(registry.text().utf8) }

    static func response(_ bytes: [UInt8]) -> Response {
        Response(
            status: .ok, headers: [.contentType: PrometheusRegistry.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// A model in `/info`.
private struct ModelReport: Encodable {
    let id: String
    /// `available`, `loading`, `loaded`, or `failed`.
    let state: String
    /// Number of the load whose files are served.
    let generation: Int?
    /// Why the newest files cannot be used. A model that is `loaded` still serves the files before.
    let error: String?

    init(_ id: ModelID, _ status: ModelStatus) {
        self.id = id.description
        generation = status.generation
        error = status.failure?.reason
        state =
            if status.generation != nil {
                "loaded"
            } else if status.isLoading {
                "loading"
            } else {
                status.failure == nil ? "available" : "failed"
            }
    }
}
