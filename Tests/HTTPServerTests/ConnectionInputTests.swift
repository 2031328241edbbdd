import Foundation
import Hummingbird
import NIOCore
import Testing

@testable import HTTPServer

/// What the decoder of HTTP/1 holds back, requests that wait for others, and what comes behind the last request.
@Suite(.timeLimit(.minutes(1))) struct ConnectionInputTests {
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    private static let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static let hello: ConnectionTestServer.Respond = { _, _ in .text("hello") }

    private static let collect: ConnectionTestServer.Respond = { request, context in
        let body = try await request.collectedBody(limit: 1 << 20, context: context)
        return .text("received \(body.readableBytes)")
    }

    private func answers(_ client: TestConnection) -> Int {
        client.text.components(separatedBy: "HTTP/1.").count - 1
    }

    // MARK: Memory

    @Test(
        arguments: [
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                + "HTTP2-Settings: AAMAAABkAAQAoAAA\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc",
            "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n",
        ], [false, true])
    func aRequestForAnotherProtocolIsTheLastOne(request: String, isSecure: Bool) async throws {
        let registry = ConnectionRegistry(maxConnections: 8, maxHeadBytes: 0)
        try await ConnectionTestServer.run(isSecure: isSecure, registry: registry) { _, _ in
            try await Task.sleep(for: .milliseconds(200))
            return .text("hello")
        } _: { server in
            let client = try await server.connect(isSecure: isSecure)
            try await client.send(request)
            // Nothing decodes this, and nothing may keep it.
            try? await client.send([UInt8](repeating: 7, count: 3 << 20))
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect(client.text.hasPrefix("HTTP/1.1 200 OK\r\n") && client.text.hasSuffix("hello"))
            #expect(client.text.lowercased().contains("connection: close\r\n"))
            #expect(registry.counts.evicted == 0)
        }
    }

    @Test(arguments: [false, true]) func whatFollowsABodyTakesTheMemoryOfHeads(isAnswered: Bool) async throws {
        let registry = ConnectionRegistry(maxConnections: 8, maxHeadBytes: 100_000)
        try await ConnectionTestServer.run(registry: registry, respond: isAnswered ? Self.hello : Self.collect) {
            server in
            let client = try await server.connect()
            try await client.send(Self.chunked + "3\r\nabc\r\n")
            if isAnswered { #expect(try await client.wait { $0.text.hasSuffix("hello") } != nil) }
            try await Task.sleep(for: .milliseconds(100))
            try await client.send("0\r\nx: " + String(repeating: "a", count: 130_000))
            #expect(try await eventually { registry.counts.headBytes > 40_000 } != nil)
            #expect(registry.counts.evicted == 0)
            try? await client.send(String(repeating: "a", count: 130_000))
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect(registry.counts.evicted == 1)
            #expect(try await eventually { registry.counts.headBytes == 0 } != nil, "all memory is returned")
        }
    }

    @Test func aBodyInChunksNeedsNone() async throws {
        let registry = ConnectionRegistry(maxConnections: 8, maxHeadBytes: 0)
        try await ConnectionTestServer.run(registry: registry, respond: Self.collect) { server in
            let client = try await server.connect()
            try await client.send(Self.chunked)
            for _ in 0..<8 {
                try await client.send("10000\r\n")
                try await Task.sleep(for: .milliseconds(10))
                try await client.send(String(repeating: "a", count: 65_536) + "\r\n")
            }
            try await client.send("0\r\nx: y\r\n\r\n" + Self.get)
            #expect(try await client.wait { $0.text.hasSuffix("received 0") } != nil)
            #expect(client.text.contains("received 524288"))
        }
    }

    @Test func requestsThatWaitTakeTheMemoryOfHeads() async throws {
        let registry = ConnectionRegistry(maxConnections: 8, maxHeadBytes: 100_000)
        let (holds, release) = AsyncStream.makeStream(of: Never.self)
        try await ConnectionTestServer.run(registry: registry) { request, _ in
            if request.uri.path == "/slow" { for await _ in holds {} }
            return .text("hello")
        } _: { server in
            let client = try await server.connect()
            // After long heads the server reads much at once.
            let long = "GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 60_000))\r\n\r\n"
            for i in 1...6 {
                try await client.send(long)
                #expect(try await client.wait { answers($0) == i } != nil)
            }
            #expect(try await eventually { registry.counts.headBytes == 0 } != nil)
            try await client.send(Self.get.replacing("/ ", with: "/slow ") + String(repeating: Self.get, count: 1000))
            #expect(try await eventually { registry.counts.headBytes > 50_000 } != nil)
            release.finish()
            // Those that wait are answered, and the connection ends.
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect((20..<400).contains(answers(client)) && client.text.hasSuffix("hello"))
            #expect(try await eventually { registry.counts.headBytes == 0 } != nil, "all memory is returned")
        }
    }

    @Test func aHeadHasItsMemoryUntilItsResponseIsComplete() async throws {
        let registry = ConnectionRegistry(maxConnections: 8, maxHeadBytes: 150_000)
        let head =
            "POST /?\(String(repeating: "x", count: 60_000)) HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
        try await ConnectionTestServer.run(registry: registry, respond: Self.collect) { server in
            let (first, second) = (try await server.connect(), try await server.connect())
            for i in 1...2 {
                try await first.send(head)
                #expect(try await eventually { registry.counts.headBytes > 100_000 } != nil, "the address counts twice")
                // There is no memory for a second one.
                if i == 1 { try await second.send(head + "abc") }
                #expect(try await second.wait { $0.isClosed } != nil)
                try await first.send("abc")
                #expect(try await first.wait { answers($0) == i && $0.text.hasSuffix("received 3") } != nil)
                #expect(try await eventually { registry.counts.headBytes == 0 } != nil, "all memory is returned")
            }
            #expect(second.text.hasPrefix("HTTP/1.1 429 ") && answers(second) == 1)
            #expect(second.text.lowercased().contains("connection: close\r\n"))
            #expect(second.text.lowercased().contains("retry-after: 1\r\n"))
            // A head that is not answered returns its memory with its connection.
            try await first.send(head)
            #expect(try await eventually { registry.counts.headBytes > 100_000 } != nil)
            try await first.close()
            #expect(try await eventually { registry.counts.headBytes == 0 } != nil)
        }
    }

    // MARK: Deadlines

    @Test func aBodyBehindAnotherRequestHasTheMinimumRateToo() async throws {
        let limits = ConnectionLimits(minBodyRate: 1000, bodyGrace: .milliseconds(400))
        try await ConnectionTestServer.run(limits, respond: Self.collect) { server in
            let client = try await server.connect()
            try await client.send(Self.get + "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc")
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect(client.text.contains("received 0HTTP/1.1 408 Request Timeout\r\n"))
            #expect(server.registry.counts.timedOut == [.body: 1])
        }
    }

    @Test func theRestOfAnAnsweredBodyIsNoNextHead() async throws {
        let limits = ConnectionLimits(headTimeout: .milliseconds(500), idleTimeout: .seconds(20))
        try await ConnectionTestServer.run(limits, respond: Self.hello) { server in
            let client = try await server.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
            #expect(try await client.wait { answers($0) == 1 } != nil)
            try await Task.sleep(for: .milliseconds(100))
            try await client.send("0123456789")
            try await Task.sleep(for: .seconds(1))
            #expect(!client.isClosed)
            try await client.send(Self.get)
            #expect(try await client.wait { answers($0) == 2 } != nil)
            try await client.send("GET /")
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect(server.registry.counts.timedOut == [.head: 1])
        }
    }

    // MARK: One answer to one request

    @Test func anOldVersionIsNotToldToGoAhead() async throws {
        try await ConnectionTestServer.run(respond: Self.collect) { server in
            let client = try await server.connect()
            try await client.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            try await Task.sleep(for: .milliseconds(300))
            #expect(client.text.isEmpty)
            try await client.send("abc")
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect(answers(client) == 1 && client.text.hasSuffix("received 3"))
        }
    }

    @Test func aMalformedRestOfAnAnsweredRequestIsNotAnsweredAgain() async throws {
        try await ConnectionTestServer.run(respond: Self.hello) { server in
            let client = try await server.connect()
            try await client.send(Self.chunked)
            #expect(try await client.wait { $0.text.hasSuffix("hello") } != nil)
            try await client.send("zz\r\n")
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect(answers(client) == 1 && client.text.hasSuffix("hello"))
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"])
    func nothingBehindTheLastRequestIsAnswered(last: String) async throws {
        try await ConnectionTestServer.run(respond: Self.hello) { server in
            for next in [Self.get, "no request\r\n\r\n"] {
                let client = try await server.connect()
                try await client.send(last + next)
                #expect(try await client.wait { $0.isClosed } != nil)
                #expect(answers(client) == 1 && client.text.hasSuffix("hello"))
            }
        }
    }
}
