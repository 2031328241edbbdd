import HTTPTypes
import Hummingbird

/// What browsers need before a page from elsewhere may use the server (CORS).
enum CrossOrigin {
    /// Headers of every answer to a request that has an `Origin`, errors too.
    static let headers: HTTPFields = [
        .accessControlAllowOrigin: "*",
        .accessControlExposeHeaders: "X-Request-ID, X-Processing-Time, X-Model-Id, Server-Timing, Retry-After",
    ]

    /// The answer to `OPTIONS` on any path; it needs no key.
    /// - Parameter methods: what the path answers beside it.
    static func preflight(_ request: Request, methods: [HTTPRequest.Method]) -> Response {
        var headers: HTTPFields = [.allow: (methods + [.options]).map(\.rawValue).joined(separator: ", ")]
        if request.headers[.accessControlRequestMethod] != nil {
            headers[.accessControlAllowMethods] = "GET, POST, OPTIONS"
            headers[.accessControlAllowHeaders] =
                request.headers[.accessControlRequestHeaders] ?? "authorization, content-type, x-api-key, x-request-id"
            headers[.accessControlMaxAge] = "600"
            if request.headers[.requestPrivateNetwork] == "true" { headers[.allowPrivateNetwork] = "true" }
        }
        return Response(status: .noContent, headers: headers)
    }
}
