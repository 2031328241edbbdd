import CoreMetrics
import HTTPTypes
import Hummingbird
import InstanceSegmentation
import Logging
import NIOCore
import NIOEmbedded
import Serving
import Testing

@testable import HTTPServer

/// What the libraries record on their own.
@Suite struct LibraryMetricsTests {
    private let registry = PrometheusRegistry(descriptions: LibraryMetrics.descriptions)

    /// Sends requests through the middleware, each with its own context.
    private func send(
        _ requests: [(method: String, route: Route)], answer: @Sendable (Request) async throws -> Response
    ) async throws -> [Response] {
        try await withMetricsFactory(registry) {
            let middleware = LibraryMetricsMiddleware()
            var responses: [Response] = []
            for (method, route) in requests {
                let channel = NIOAsyncTestingChannel()
                var context = ServerContext(
                    source: ApplicationRequestContextSource(channel: channel, logger: Logger(label: "test")))
                context.route = route
                let request = Request(
                    head: HTTPRequest(
                        method: try #require(HTTPRequest.Method(method)), scheme: nil, authority: nil, path: "/x"),
                    body: RequestBody(buffer: ByteBuffer()))
                responses.append(
                    try await middleware.handle(request, context: context) { request, _ in
                        #expect(request.method.rawValue == method, "the handler sees the real method")
                        return try await answer(request)
                    })
            }
            return responses
        }
    }

    private func lines(_ name: String) -> [Substring] {
        registry.text().split(separator: "\n").filter { $0.hasPrefix(name) }
    }

    @Test func requestsAreCountedByRouteMethodAndStatus() async throws {
        let id = ModelID(dataset: "m", version: "1")
        let responses = try await send([("POST", .model(id)), ("POST", .model(id)), ("GET", .health)]) { _ in
            Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "answer")))
        }
        #expect(responses.map(\.body.contentLength) == [6, 6, 6], "answers are passed on as they are")
        #expect(
            lines("hb_requests{") == [
                #"hb_requests{http_request_method="GET",http_response_status_code="200",http_route="healthz"} 1"#,
                #"hb_requests{http_request_method="POST",http_response_status_code="200",http_route="predict"} 2"#,
            ])
        #expect(lines("http_server_request_duration_count").count == 2)
        #expect(lines("http_server_active_requests{").allSatisfy { $0.hasSuffix(" 0") })
    }

    @Test func methodsOfClientsMakeNoNewSeries() async throws {
        let methods = (0..<500).map { "M\($0)" } + ["DELETE", "PUT", "get", "TRACE"]
        _ = try await send(methods.map { ($0, .health) }) { _ in Response(status: .methodNotAllowed) }
        #expect(
            lines("hb_requests{") == [
                #"hb_requests{http_request_method="_OTHER",http_response_status_code="405",http_route="healthz"} 504"#
            ])
        #expect(lines("hb_request_errors{").map { $0.hasSuffix(" 504") } == [true])
        #expect(
            lines("http_server_active_requests{") == [#"http_server_active_requests{http_request_method="_OTHER"} 0"#])
    }

    @Test func errorsPassThroughAndAreNoLongerActive() async throws {
        await #expect(throws: CancellationError.self) {
            try await send([("GET", .info)]) { _ in throw CancellationError() }
        }
        #expect(lines("http_server_active_requests{").map { $0.hasSuffix(" 0") } == [true])
        #expect(lines("hb_request_errors{").map { $0.hasSuffix(" 1") } == [true])
    }

    @Test func eventLoopsRecordTheirTurns() async throws {
        let loops = LibraryMetrics.eventLoops(factory: registry)
        for _ in 0..<10 { try await loops.next().submit {}.get() }
        try await loops.shutdownGracefully()
        let count = try #require(lines("nio_event_loop_tasks_total").first?.split(separator: " ").last)
        #expect(try #require(Int(count)) >= 10)
        #expect(lines("nio_event_loop_tick_seconds_count").count == 1)
    }
}
