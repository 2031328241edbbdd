import Foundation
import HTTPTypes
import HummingbirdTesting
import InstanceSegmentation
import NIOCore
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// Pages, scripts, the description of the API, metrics.
@Suite(.timeLimit(.minutes(1))) struct AssetTests {
    private func text(_ response: TestResponse) -> String { String(buffer: response.body) }

    @Test func pagesAndScriptsNeedNoKey() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            for (path, type, content) in [
                ("/", "text/html; charset=utf-8", "<title>Silhouette</title>"),
                ("/docs", "text/html; charset=utf-8", "openapi.json"),
                ("/roboflow.js", "text/javascript; charset=utf-8", "globalThis.roboflow"),
                ("/0.2.26/roboflow.js", "text/javascript; charset=utf-8", "globalThis.roboflow"),
                ("/inferencejs.js", "text/javascript; charset=utf-8", "globalThis.inferencejs"),
                ("/inferencejs.mjs", "text/javascript; charset=utf-8", "export { InferenceEngine, CVImage }"),
                ("/openapi.json", "application/json", "\"openapi\": \"3.1.0\""),
            ] {
                let got = try await client.execute(
                    uri: path, method: .get, headers: [.origin: "https://page"], body: nil)
                #expect(got.status == .ok && got.headers[.contentType] == type, "\(path)")
                #expect(text(got).contains(content), "\(path)")
                #expect(got.headers[.accessControlAllowOrigin] == "*")
                let head = try await client.execute(uri: path, method: .head, body: nil)
                #expect(head.status == .ok && head.body.readableBytes == 0)
                #expect(head.headers[.contentLength] == "\(got.body.readableBytes)")
            }
            // A program of this machine needs no key for the metrics, but a website does.
            let metrics = try await client.execute(uri: "/metrics", method: .get, body: nil)
            #expect(metrics.status == .ok && text(metrics).contains("silhouette_ready 1"))
            #expect(metrics.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(try await client.execute(uri: "/metrics", method: .head, body: nil).status == .ok)
            let page = try await client.execute(
                uri: "/metrics", method: .get, headers: [.origin: "https://page"], body: nil)
            #expect(page.status == .forbidden)
            let script = try await client.execute(uri: "/roboflow.js", method: .get, body: nil)
            #expect(script.headers[.crossOriginResourcePolicy] == "cross-origin")
            #expect(try await client.execute(uri: "/favicon.ico", method: .get, body: nil).status == .notFound)
            #expect(try await client.execute(uri: "/a/b/roboflow.js", method: .get, body: nil).status != .ok)
        }
    }

    /// The description names exactly what is served: each of its operations has a route, and each route an operation.
    @Test func theDescriptionOfTheAPIIsTrue() throws {
        let api = try #require(
            try JSONSerialization.jsonObject(with: Data(Asset.openAPI.bytes)) as? [String: Any])
        let paths = try #require(api["paths"] as? [String: [String: Any]])
        let served = [TestServer.id]
        var labels = Set<String>()
        for (path, operations) in paths {
            let concrete = path.replacing("{dataset}", with: "m").replacing("{version}", with: "1")
                .replacing("{workspace}", with: "team").replacing("{project}", with: "m")
            for name in operations.keys where name != "parameters" {
                let method = try #require(HTTPRequest.Method(name.uppercased()))
                let route = Route(path: concrete, method: method, served: served)
                #expect(route != .unknown && route.methods.contains(method), "\(name) \(path)")
                labels.insert(route.label)
            }
        }
        // A project has a model's address and is described with it.
        let all: Set = [
            "healthz", "readiness", "info", "metrics", "asset", "predict", "infer", "registry", "add", "remove",
            "clear",
            "start", "key", "workspace", "version", "trainings",
        ]
        #expect(labels == all)
        #expect(Route(path: "/team/m", method: .get, served: served).label == "project")

        // Every parameter that is described changes what is asked for or is refused when it is nonsense, or is said to be ignored.
        let components = try #require(
            (api["components"] as? [String: [String: Any]])?["parameters"] as? [String: [String: Any]])
        let ignored: Set = ["image", "classes", "format", "name", "image_type"]
        for (name, parameter) in components where parameter["in"] as? String == "query" && !ignored.contains(name) {
            #expect(throws: RequestError.self, "\(name)") {
                try PredictionRequest(Parameters(query: "\(name)=nonsense"))
            }
        }
    }

    @Test func metricsCountWhatWasDone() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            for body in [TestServer.base64, TestServer.base64, ByteBuffer(string: "!")] {
                _ = try await client.execute(uri: "/m/1", method: .post, body: body)
            }
            let page = text(try await client.execute(uri: "/metrics", method: .get, body: nil))
            for line in [
                #"silhouette_requests_total{route="predict",status="200"} 2"#,
                #"silhouette_requests_total{route="predict",status="400"} 1"#,
                #"silhouette_errors_total{kind="malformed_base64"} 1"#,
                #"silhouette_stage_seconds_count{model="m/1",stage="inference"} 2"#,
                #"silhouette_stage_seconds_bucket{model="m/1",stage="inference",le="+Inf"} 2"#,
                #"silhouette_detections_total{model="m/1"} 2"#, "silhouette_predictions_in_flight 0",
            ] {
                #expect(page.contains(line + "\n"), "\(line)")
            }
            // Buckets of a histogram stand together, in the order of their bounds, and only grow.
            let buckets = page.split(separator: "\n").filter {
                $0.hasPrefix(#"silhouette_request_seconds_bucket{route="predict""#)
            }
            let counts = buckets.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
            #expect(buckets.count == 14 && counts == counts.sorted())
        }
    }
}
