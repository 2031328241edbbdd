import HTTPTypes
import Hummingbird

/// Records Hummingbird's own metrics, through the factory that swift-metrics was bootstrapped with.
///
/// Hummingbird labels them with the method and the path's pattern, and counts a request when its body has been written. Here the pattern
/// is the route's name, methods that the route does not answer are one, and a request counts when its answer is made. So clients cannot
/// make new series, and a client that leaves before its answer does not count as active for ever. Answers with an error status count as
/// errors.
struct LibraryMetricsMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    private let library = MetricsMiddleware<ServerContext>()

    func handle(_ request: Request, context: ServerContext, next: NextResponder) async throws -> Response {
        context.coreContext.endpointPath.value = context.route.label
        var head = request.head
        head.method = Self.label(head.method, of: context.route)
        var result: Result<Response, any Error>?
        do {
            let counted = try await library.handle(Request(head: head, body: request.body), context: context) {
                let response: Response
                do {
                    response = try await next(request, $1)
                    result = .success(response)
                } catch {
                    result = .failure(error)
                    throw error
                }
                guard response.status.code < 400 else { throw HTTPError(response.status) }
                return Response(status: response.status)
            }
            try await counted.body.write(DiscardedBody())
        } catch {
            guard result != nil else { throw error }  // else it was counted, and the answer is in `result`
        }
        guard let result else { throw HTTPError(.internalServerError) }
        return try result.get()
    }

    /// The method as a label: one that the route answers, or `_OTHER`, as OpenTelemetry calls those that are not known.
    private static func label(_ method: HTTPRequest.Method, of route: Route) -> HTTPRequest.Method {
        route.methods.contains(method) || method == .options ? method : otherMethod
    }

    private static let otherMethod = HTTPRequest.Method("_OTHER") ?? .trace
}

/// Takes the body of a response that only exists to be counted.
private struct DiscardedBody: ResponseBodyWriter {
    mutating func write(_ buffer: ByteBuffer) {}

    consuming func finish(_ trailingHeaders: HTTPFields?) {}
}
