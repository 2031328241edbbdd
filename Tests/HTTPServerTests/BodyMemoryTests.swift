import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import InstanceSegmentation
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// Bodies that wait for memory, and answers that wait to be read, through the whole server.
@Suite(.timeLimit(.minutes(2))) struct BodyMemoryTests {
    private static let mebibyte = 1 << 20
    /// 3 MiB for bodies of callers with a key, 2 MiB for strangers, 1 MiB for unread answers.
    private static let limits = ServiceLimits(concurrency: 1, queueTimeout: .seconds(20), maxMemory: 16 * mebibyte)

    private static func head(_ length: Int, _ path: String = "/m/1", type: String = "image/png") -> [UInt8] {
        Array(
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: \(type)\r\nContent-Length: \(length)\r\n\r\n"
                .utf8)
    }

    /// Opens connections that announce a body and send the first byte of it.
    private func announce(_ count: Int, _ length: Int, _ server: BoundedServer) async throws -> [TestConnection] {
        var connections: [TestConnection] = []
        for _ in 0..<count { connections.append(try await server.open(Self.head(length) + [0x20])) }
        return connections
    }

    @Test func aBodyWaitsForMemoryAndIsAnswered() async throws {
        try await BoundedServer.run(Self.limits) { server in
            let held = try await announce(3, Self.mebibyte, server)
            try await server.expect("silhouette_body_bytes_in_flight", Double(3 * Self.mebibyte))
            let waiting = try await server.send()
            try await server.expect("silhouette_bodies_waiting", 1)
            try await held[0].close()
            #expect(try await server.answer(of: waiting).status == 200)
            for connection in held { try? await connection.close() }
            try await server.expect("silhouette_body_bytes_in_flight", 0)
        }
    }

    @Test(arguments: ["application/x-www-form-urlencoded", "application/json", "text/plain"])
    func aTextTakesMemoryForWhatIsMadeOfIt(type: String) async throws {
        try await BoundedServer.run(Self.limits) { server in
            let held = try await server.open(Self.head(Self.mebibyte, type: type) + [0x20])
            try await server.expect("silhouette_body_bytes_in_flight", Double(2 * Self.mebibyte))
            try await held.close()
            try await server.expect("silhouette_body_bytes_in_flight", 0)
        }
    }

    @Test func anImageThatIsFetchedWaitsForMemoryAsABodyDoes() async throws {
        try await withImages { port, policy in
            try await BoundedServer.run(Self.limits, fetchPolicy: policy) { server in
                let held = try await announce(3, Self.mebibyte, server)
                try await server.expect("silhouette_body_bytes_in_flight", Double(3 * Self.mebibyte))
                let path = "/m/1?image=http://127.0.0.1:\(port)/a.png"
                let waiting = try await server.send([], to: path)
                try await server.expect("silhouette_bodies_waiting", 1)
                #expect(try await server.post([], to: path + "&timeout=200").status == 504)
                try await held[0].close()
                #expect(try await server.answer(of: waiting).status == 200)
                for connection in held { try? await connection.close() }
                try await server.expect("silhouette_body_bytes_in_flight", 0)
            }
        }
    }

    /// A server of images on this machine, and what lets an image be fetched from it.
    private func withImages(_ body: @escaping @Sendable (Int, AddressPolicy) async throws -> Void) async throws {
        let router = Router()
        router.get("/a.png") { _, _ in ByteBuffer(bytes: TestServer.picture) }
        let pictures = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: TestServer.logger)
        try await pictures.test(.live) { client in
            let port = try #require(client.port)
            try await body(port, AddressPolicy(rules: [try #require(AddressPolicy.Rule("127.0.0.1:\(port)"))]))
        }
    }

    @Test func aBodyThatWaitsForTooLongIsRefusedWithRetryAfter() async throws {
        let limits = ServiceLimits(
            concurrency: 1, queueTimeout: .milliseconds(1200), maxMemory: 16 * Self.mebibyte)
        try await BoundedServer.run(limits) { server in
            let held = try await announce(3, Self.mebibyte, server)
            try await server.expect("silhouette_body_bytes_in_flight", Double(3 * Self.mebibyte))
            let start = ContinuousClock.now
            let refused = try await server.post()
            #expect(refused.status == 503)
            #expect((2...10).contains(refused.header("retry-after").flatMap { Int($0) } ?? 0), "as long as it waited")
            #expect(ContinuousClock.now - start >= .seconds(1))
            let hasty = try await server.post(TestServer.picture, to: "/m/1?timeout=100")
            #expect(hasty.status == 503 && hasty.header("retry-after") != nil)
            for connection in held { try? await connection.close() }
            try await server.expect("silhouette_body_bytes_in_flight", 0)
            #expect(try await server.post().status == 200)
        }
    }

    /// A JSON body with a key, an image, and much else.
    private func body(_ key: String) -> [UInt8] {
        let image = String(buffer: TestServer.base64)
        let padding = String(repeating: "x", count: 200_000)
        return Array(#"{"api_key":"\#(key)","image":"\#(image)","pad":"\#(padding)"}"#.utf8)
    }

    @Test func strangersThatDripDoNotDelayACallerWithItsKeyInTheBody() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let body = body(try store.create(name: "k").secret)
        try await BoundedServer.run(Self.limits, access: .keys(store)) { server in
            let drips = try await announce(100, Self.mebibyte, server)
            try await server.expect("silhouette_body_bytes_in_flight", Double(100 * 8192))
            for _ in 0..<3 { #expect(try await server.post(body).status == 200) }
            try await server.expect("silhouette_body_bytes_in_flight", Double(100 * 8192))
            for connection in drips { try? await connection.close() }
            try await server.expect("silhouette_body_bytes_in_flight", 0)
        }
    }

    @Test func aLargeBodyOfAStrangerMakesWayForASmallerOne() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let body = body(try store.create(name: "k").secret)
        try await BoundedServer.run(Self.limits, access: .keys(store)) { server in
            let opening = Self.head(Self.mebibyte) + [UInt8](repeating: 0x20, count: 100_000)
            let first = try await server.open(opening)
            try await server.expect("silhouette_body_bytes_in_flight", Double(Self.mebibyte))
            let second = try await server.open(opening)
            try await server.expect("silhouette_body_bytes_in_flight", Double(2 * Self.mebibyte))
            #expect(try await server.post(body).status == 200)
            let refused = try await server.answer(of: first)
            #expect(refused.status == 503 && refused.header("retry-after") != nil)
            #expect(refused.header("connection") == "close")
            #expect(!second.isClosed, "one was enough")
            try await second.close()
            try await server.expect("silhouette_body_bytes_in_flight", 0)
        }
    }

    @Test func anImageOfAStrangerIsRefusedBeforeItIsRead() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        try await BoundedServer.run(Self.limits, access: .keys(store)) { server in
            let connection = try await server.open(Self.head(Self.mebibyte) + TestServer.picture)
            let answer = try await server.answer(of: connection)
            #expect(answer.status == 403 && answer.header("connection") == "close")
        }
    }

    @Test func aLargeListIsAccountedForUntilItIsRead() async throws {
        let budget = MemoryBudget(limits: MemoryLimits(total: 256 * Self.mebibyte))
        let answers = AnswerBodies(memory: AnswerMemory(budget: budget))
        let list = [String](repeating: String(repeating: "x", count: 1000), count: 17_000)
        try await ConnectionTestServer.run { _, context in
            try answers.json(list, nil, context)
        } _: { server in
            let idle = try await server.connect(isReading: false)
            try await idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await eventually { budget.usage[.answers] > 17_000_000 } != nil)
            let refused = try await server.connect()
            try await refused.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await refused.wait { $0.text.contains("HTTP/1.1 503") } != nil)
            try await idle.close()
            #expect(try await eventually { budget.usage[.answers] == 0 } != nil)
        }
    }

    @Test func anAnswerIsAccountedForUntilItIsRead() async throws {
        let budget = MemoryBudget(limits: MemoryLimits(total: 256 * Self.mebibyte))
        let answers = AnswerBodies(memory: AnswerMemory(budget: budget))
        let size = 16 * Self.mebibyte  // larger than what the buffers of the system take, and all that may be unread
        try await ConnectionTestServer.run { _, context in
            try answers.memory.requireRoom()
            let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: size)
            return Response(status: .ok, body: answers.body(bytes, owner: "a", context.channel))
        } _: { server in
            let request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            let reader = try await server.connect()
            try await reader.send(request)
            #expect(try await reader.wait(.seconds(20)) { $0.count > size } != nil)
            #expect(try await eventually { budget.usage[.answers] == 0 } != nil)

            let idle = try await server.connect(isReading: false)
            try await idle.send(request)
            #expect(try await eventually { budget.usage[.answers] == size } != nil)
            let refused = try await server.connect()
            try await refused.send(request)
            #expect(try await refused.wait { $0.text.contains("HTTP/1.1 503") } != nil)
            #expect(refused.text.lowercased().contains("retry-after: 2"))
            // After two seconds the answer is given up for others.
            try await Task.sleep(for: .milliseconds(2100))
            let other = try await server.connect()
            try await other.send(request)
            #expect(try await other.wait(.seconds(20)) { $0.count > size } != nil)
            #expect(try await eventually { budget.usage[.answers] == 0 } != nil)
            try? await idle.close()
        }
    }

    @Test func aConnectionThatIsClosedReleasesItsAnswer() async throws {
        let budget = MemoryBudget(limits: MemoryLimits(total: 256 * Self.mebibyte))
        let answers = AnswerBodies(memory: AnswerMemory(budget: budget))
        try await ConnectionTestServer.run { _, context in
            let bytes = [UInt8](repeating: 0, count: 16 * Self.mebibyte)
            return Response(status: .ok, body: answers.body(bytes, owner: nil, context.channel))
        } _: { server in
            let connection = try await server.connect(isReading: false)
            try await connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await eventually { budget.usage[.answers] > 0 } != nil)
            try await connection.close()
            #expect(try await eventually { budget.usage[.answers] == 0 } != nil)
        }
    }

    @Test func aRequestIsAnsweredAtItsDeadlineWhileTheNetworkRuns() async throws {
        try await BoundedServer.run(Self.limits) { server in
            server.network.hold(ignoresCancellation: true)
            let start = ContinuousClock.now
            #expect(try await server.post(TestServer.picture, to: "/m/1?timeout=300").status == 504)
            #expect(ContinuousClock.now - start < .seconds(10))
            try await server.expect(running: 1, waiting: 0)
            let bytes = try await server.metric("silhouette_body_bytes_in_flight")
            #expect(bytes > 0, "the run still has the image")
            server.network.release()
            try await server.expect(running: 0, waiting: 0)
            try await server.expect("silhouette_body_bytes_in_flight", 0)
        }
    }
}
