import Hummingbird
import InstanceSegmentation
import NIOCore

/// `/healthz`, `/readiness`, `/info` and `/metrics`: what orchestrators and clients ask. None needs a key.
struct HealthRoutes: Sendable {
    let state: ServerState
    let counts: ServerMetrics
    let version: String
    /// What runs networks, and what those of 32-bit floats are run with.
    let backend: (name: String, precision: InferencePrecision)
    /// Stable for the life of the process.
    let instanceID: String

    func health() -> Response {
        json(.ok, #"{"status":"healthy"}"#)
    }

    func readiness() -> Response {
        state.isReady ? json(.ok, #"{"status":"ready"}"#) : json(.serviceUnavailable, #"{"status":"not ready"}"#)
    }

    func info() -> Response {
        json(
            .ok,
            #"{"name":"Silhouette","version":"\#(version)","uuid":"\#(instanceID)","#
                + #""backend":"\#(backend.name)","precision":"\#(backend.precision.rawValue)"}"#)
    }

    func metrics() -> Response {
        let text = counts.text(inFlight: state.inFlight, isReady: state.isReady)
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private func json(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
