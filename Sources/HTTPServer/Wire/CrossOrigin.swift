import HTTPTypes
import Hummingbird

/// The answer to a browser that asks before a page may send a request (CORS preflight).
enum CrossOrigin {
    /// The answer to `OPTIONS` on any path; it needs no key.
    /// - Parameters:
    ///   - methods: the other methods that the path answers.
    ///   - isAllowed: whether the page's origin is answered.
    static func preflight(_ request: Request, methods: [HTTPRequest.Method], isAllowed: Bool) -> Response {
        var headers: HTTPFields = [.allow: (methods + [.options]).map(\.rawValue).joined(separator: ", ")]
        if isAllowed, request.headers[.accessControlRequestMethod] != nil {
            headers[.accessControlAllowMethods] = "GET, POST, OPTIONS"
            headers[.accessControlAllowHeaders] =
                request.headers[.accessControlRequestHeaders] ?? "authorization, content-type, x-api-key, x-request-id"
            headers[.accessControlMaxAge] = "600"
            if request.headers[.requestPrivateNetwork] == "true" { headers[.allowPrivateNetwork] = "true" }
        }
        return Response(status: .noContent, headers: headers)
    }
}
