import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import InstanceSegmentation
import Logging
import NIOCore
import NIOEmbedded
import Serving
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// What a key permits, by its scopes.
@Suite(.timeLimit(.minutes(1))) struct ScopeTests {
    private static let routes: [(uri: String, method: HTTPRequest.Method, body: String?)] = [
        ("/m/1", .post, String(buffer: TestServer.base64)),
        ("/infer/instance_segmentation", .post, nil),  // its body has the key in it
        ("/model/registry", .get, nil), ("/team", .get, nil), ("/team/m", .get, nil),
        ("/model/add", .post, #"{"model_id":"m/1"}"#), ("/model/remove", .post, #"{"model_id":"m/1"}"#),
        ("/model/clear", .post, nil), ("/start/m/1", .get, nil), ("/clear_cache", .get, nil),
    ]

    /// What a caller with some scopes is answered, in the order of the routes.
    private static let expected: [(scopes: Set<APIKey.Scope>, statuses: [Int])] = [
        ([.predict], [200, 200, 200, 200, 200, 200, 403, 403, 403, 403]),
        ([.manage], [403, 403, 403, 403, 403, 200, 200, 200, 200, 200]),
        ([.metrics], [403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
        ([.predict, .manage], [200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ]

    private static func body(_ text: String?, uri: String, key: String) -> String? {
        guard uri == "/infer/instance_segmentation" else { return text }
        let image = #"{"type":"base64","value":"\#(String(buffer: TestServer.base64))"}"#
        return #"{"api_key":"\#(key)","model_id":"m/1","image":\#(image)}"#
    }

    @Test func routesNeedTheirScope() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            for (scopes, statuses) in Self.expected {
                let key = try store.create(name: "test", limits: .init(scopes: scopes)).secret
                for ((uri, method, body), status) in zip(Self.routes, statuses) {
                    let query = uri.hasPrefix("/infer") ? "" : "?api_key=\(key)"
                    let response = try await client.execute(
                        uri: uri + query, method: method,
                        body: Self.body(body, uri: uri, key: key).map(ByteBuffer.init(string:)))
                    let text = String(buffer: response.body)
                    #expect(response.status.code == status, "\(scopes) \(uri) \(text)")
                    if status == 403 { #expect(text.contains("lacks the scope '"), "\(text)") }
                }
            }
        }
    }

    @Test func withoutKeysModelsAreManagedOnLoopbackOnly() async throws {
        for (host, isAllowed) in [
            ("127.0.0.1", true), ("::1", true), ("localhost", true), ("0.0.0.0", false), ("::", false),
        ] {
            try await TestServer.whenReady(try await TestServer.application(access: .open(on: host))) { client in
                for (uri, method, body) in Self.routes.dropFirst(5) {
                    let response = try await client.execute(
                        uri: uri, method: method, body: body.map(ByteBuffer.init(string:)))
                    let isAdd = uri == "/model/add"
                    #expect(response.status == (isAllowed || isAdd ? .ok : .forbidden), "\(host) \(uri)")
                    if response.status != .ok { #expect(String(buffer: response.body).contains("Without API keys")) }
                }
            }
        }
    }

    @Test func addingAModelLoadsItOnlyForWhoManagesModels() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let loads = Loads()
        let application = try await TestServer.application(access: .keys(store), preload: []) { _ in
            loads.increment()
            return TestServer.halfSession()
        }
        let client = try store.create(name: "client").secret
        let manager = try store.create(name: "manager", limits: .init(scopes: [.manage])).secret
        try await TestServer.whenReady(application) { http in
            for (key, isLoaded) in [(client, false), (manager, true)] {
                let response = try await http.execute(
                    uri: "/model/add", method: .post,
                    body: ByteBuffer(string: #"{"model_id":"m/1","api_key":"\#(key)"}"#))
                #expect(response.status == .ok && String(buffer: response.body).contains(#""model_id":"m/1""#))
                #expect((loads.count > 0) == isLoaded)
            }
        }
    }

    @Test func theKeyForEvictingAllModelsMayBeInTheBody() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let client = try store.create(name: "client").secret
        let manager = try store.create(name: "manager", limits: .init(scopes: [.manage])).secret
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { http in
            for (json, status) in [
                (#"{"api_key":"\#(manager)"}"#, 200), (#"{"api_key":"\#(client)"}"#, 403),
                (#"{"api_key":"rf_wrong"}"#, 401), (#"{"api_key":"None"}"#, 401), ("{}", 401), ("", 401),
                (#"{"api_key":1}"#, 422), ("x", 422),
            ] {
                let response = try await http.execute(
                    uri: "/model/clear", method: .post, body: ByteBuffer(string: json))
                #expect(response.status.code == status, "\(json): \(String(buffer: response.body))")
            }
        }
    }

    @Test func aListOfImagesSpendsAPredictionForEach() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let key = try store.create(name: "test", limits: .init(quota: 5)).secret
        let image = #"{"type":"base64","value":"\#(String(buffer: TestServer.base64))"}"#
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            for (count, status, used) in [(3, 200, 3), (3, 402, 3), (2, 200, 5), (1, 402, 5)] {
                let images = [String](repeating: image, count: count).joined(separator: ",")
                let response = try await client.execute(
                    uri: "/infer/instance_segmentation", method: .post,
                    body: ByteBuffer(string: #"{"api_key":"\#(key)","model_id":"m/1","image":[\#(images)]}"#))
                #expect(response.status.code == status, "\(String(buffer: response.body))")
                #expect(try store.keys().map(\.used) == [used])
            }
        }
    }

    // MARK: Metrics

    private func request(
        _ headers: HTTPFields = [:], query: String = "", authority: String = "localhost:9001"
    ) -> Request {
        Request(
            head: HTTPRequest(
                method: .get, scheme: "http", authority: authority, path: "/metrics" + query, headerFields: headers),
            body: RequestBody(buffer: ByteBuffer()))
    }

    @Test func metricsAreForThisMachineAndForKeysOfTheirScope() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let client = try store.create(name: "client").secret
        let scraper = try store.create(name: "scraper", limits: .init(scopes: [.metrics])).secret
        func outcome(_ access: Access, _ address: String?, _ request: Request) async throws -> String {
            do {
                let peer = try address.map { try SocketAddress(ipAddress: $0, port: 40_000) }
                var context = ServerContext(
                    source: ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: TestServer.logger))
                context.parameters = Parameters(query: request.uri.query)
                try await RequestAccess(access: access).requireMetrics(request, peer: peer, context)
                return "allowed"
            } catch let error as ServiceError {
                return ErrorResponse(error).label
            }
        }
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            #expect(try await outcome(.keys(store), address, request()) == "allowed")
            // A proxy on this machine passes on the requests of others, and so does a browser.
            for header in ["forwarded", "via", "x-forwarded-for", "x-real-ip", "origin", "referer"] {
                let name = try #require(HTTPField.Name(header))
                #expect(try await outcome(.keys(store), address, request([name: "x"])) == "unauthorized")
            }
            #expect(try await outcome(.keys(store), address, request([.secFetchSite: "cross-site"])) == "unauthorized")
            #expect(try await outcome(.open(on: "0.0.0.0"), address, request()) == "allowed")
            #expect(try await outcome(.keys(store), address, request(authority: "evil.example")) == "unauthorized")
        }
        for address in ["192.168.0.7", "8.8.8.8", "2606:4700::1111", nil] {
            #expect(try await outcome(.keys(store), address, request()) == "unauthorized")
            #expect(try await outcome(.keys(store), address, request(query: "?api_key=rf_no")) == "unauthorized")
            #expect(try await outcome(.keys(store), address, request(query: "?api_key=\(client)")) == "missing_scope")
            #expect(
                try await outcome(.keys(store), address, request([.authorization: "Bearer \(scraper)"])) == "allowed")
            #expect(try await outcome(.open(on: "0.0.0.0"), address, request()) == "missing_scope")
        }
    }
}

/// How often a model was loaded.
private final class Loads: Sendable {
    private let number = Mutex(0)
    var count: Int { number.withLock { $0 } }
    func increment() { number.withLock { $0 += 1 } }
}
