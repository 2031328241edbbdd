import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// What a client does on one stream of HTTP/2 costs it that stream, and only repeated offenses the connection.
@Suite(.timeLimit(.minutes(1))) struct ConnectionStreamTests {
    private typealias Frames = HTTP2TestFrames

    /// Codes of RFC 9113, section 7.
    private static let (noError, cancel, enhanceYourCalm): (UInt8, UInt8, UInt8) = (0, 8, 11)

    /// Answers `/large` with more than a stream's window takes, and other paths with the size of the request's body.
    private static let respond: ConnectionTestServer.Respond = { request, context in
        if request.uri.path == "/large" {
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(repeating: 1, count: 1 << 20)))
        }
        let body = try await request.collectedBody(limit: 1 << 20, context: context)
        return .text("done \(body.readableBytes)")
    }

    private func run(
        _ limits: ConnectionLimits = ConnectionLimits(), registry: ConnectionRegistry? = nil,
        respond: @escaping ConnectionTestServer.Respond = respond,
        _ test: @escaping @Sendable (ConnectionTestServer, TestConnection) async throws -> Void
    ) async throws {
        try await ConnectionTestServer.run(limits, isSecure: true, registry: registry, respond: respond) { server in
            let client = try await server.connect(isSecure: true, protocols: ["h2"])
            try await client.send(Frames.preface)
            try await test(server, client)
        }
    }

    /// Sends bytes of bodies until a condition holds.
    private func drip(
        _ client: TestConnection, _ streams: [UInt32], until condition: (TestConnection) -> Bool
    ) async throws {
        for _ in 0..<200 where !client.isClosed && !condition(client) {
            for stream in streams { try? await client.send(Frames.body(stream, [1])) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test func bodiesOfStreamsHaveMemoryBeforeTheyAreSent() async throws {
        let window = HTTP2Connection.windowSize
        let registry = ConnectionRegistry(maxConnections: 8, maxWindowBytes: 2 * window)
        try await run(registry: registry) { server, client in
            for stream in [1, 3, 5, 7] as [UInt32] {
                try await client.send(Frames.head(stream, path: "/", ends: false))
            }
            #expect(try await client.wait { $0.resetCode(7) == Self.noError } != nil)
            #expect(client.answer(7)?.contains("message") == true && client.answer(1) == nil)
            // Requests without a body need none.
            try await client.send(Frames.head(9, path: "/"))
            #expect(try await client.wait { $0.answer(9) == "done 0" } != nil)
            // Every connection has room for one.
            let other = try await server.connect(isSecure: true, protocols: ["h2"])
            try await other.send(Frames.preface + Frames.head(1, path: "/", ends: false))
            try await other.send(Frames.body(1, [1], ends: true))
            #expect(try await other.wait { $0.answer(1) == "done 1" } != nil)
            try await client.send(Frames.body(3, [1, 2], ends: true))
            #expect(try await client.wait { $0.answer(3) == "done 2" } != nil)
            try await client.send(Frames.head(11, path: "/", ends: false) + Frames.body(11, [1], ends: true))
            #expect(try await client.wait { $0.answer(11) == "done 1" } != nil)
            try await client.close()
            #expect(try await eventually { registry.drawWindow(2 * window) } != nil, "all memory is returned")
        }
    }

    @Test func aBodyThatDripsCostsItsStreamOnly() async throws {
        try await run(ConnectionLimits(bodyTimeout: .milliseconds(500))) { server, client in
            let slow: [UInt32] = [1, 3, 5]
            for stream in slow { try await client.send(Frames.head(stream, path: "/", ends: false)) }
            try await drip(client, slow) { client in slow.allSatisfy { client.resetCode(Int($0)) != nil } }
            for stream in slow {
                #expect(client.answer(Int(stream))?.contains("was not received in time") == true)
                #expect(client.resetCode(Int(stream)) == Self.noError)
            }
            #expect(server.registry.counts.timedOut == [.body: 3])
            try await client.send(Frames.head(7, path: "/", ends: false) + Frames.body(7, [1, 2, 3], ends: true))
            #expect(try await client.wait { $0.answer(7) == "done 3" } != nil)
            #expect(!client.isClosed && client.goAwayCode == nil)
            #expect(try await eventually { server.registry.requestsInFlight == 0 } != nil)
        }
    }

    @Test func anAnswerThatIsNotReadCostsItsStreamOnly() async throws {
        try await run(ConnectionLimits(writeTimeout: .milliseconds(500))) { server, client in
            // The windows of the streams take 1,000 bytes, that of the connection much.
            let settings = Frames.frame(4, [0, 4, 0, 0, 0x03, 0xE8])
            try await client.send(settings + Frames.frame(8, [0x00, 0x7F, 0, 0]))
            try await client.send(Frames.head(1, path: "/large") + Frames.head(3, path: "/large"))
            #expect(try await client.wait { $0.resetCode(1) != nil && $0.resetCode(3) != nil } != nil)
            #expect(client.resetCode(1) == Self.cancel && client.answer(1) == nil)
            #expect(server.registry.counts.timedOut == [.write: 2])
            try await client.send(Frames.head(5, path: "/"))
            #expect(try await client.wait { $0.answer(5) == "done 0" } != nil)
            #expect(!client.isClosed && client.goAwayCode == nil)
            #expect(try await eventually { server.registry.requestsInFlight == 0 } != nil)
        }
    }

    @Test func aClientWithManySuchStreamsIsLeftWhenTheOthersHaveEnded() async throws {
        let work = CancelableWork(.milliseconds(1500))
        try await run(
            ConnectionLimits(bodyTimeout: .milliseconds(300)),
            respond: { request, context in
                if request.uri.path == "/work" { try await work.run() }
                return try await Self.respond(request, context)
            }
        ) { server, client in
            try await client.send(Frames.head(1, path: "/work"))
            let slow = (1...UInt32(HTTP2Connection.maxResets + 1)).map { 2 * $0 + 1 }
            for stream in slow { try await client.send(Frames.head(stream, path: "/", ends: false)) }
            #expect(try await client.wait { $0.goAwayCode == Self.enhanceYourCalm } != nil)
            #expect(work.counts.finished == 0)
            try await client.send(Frames.head(99, path: "/"))
            #expect(try await client.wait { $0.answer(1) == "done 0" } != nil)
            #expect(try await client.wait(.seconds(2)) { $0.isClosed } != nil)
            #expect(work.counts.finished == 1 && client.answer(99) == nil)
        }
    }

    @Test func anErrorOfOneStreamLeavesTheOthersAlone() async throws {
        try await run { server, client in
            try await client.send(Frames.head(1, path: "/", ends: false))
            // More body than was announced, and a head without a path.
            let length = [("content-length", "2")]
            try await client.send(Frames.head(3, path: "/", fields: length, ends: false) + Frames.body(3, [1, 2, 3]))
            try await client.send(Frames.frame(1, flags: 5, stream: 5, [0x83, 0x87]))
            #expect(try await client.wait { $0.resetCode(3) != nil && $0.resetCode(5) != nil } != nil)
            try await client.send(Frames.body(1, [1], ends: true))
            #expect(try await client.wait { $0.answer(1) == "done 1" } != nil)
            #expect(!client.isClosed)
        }
    }

    @Test func theRestOfAnAnsweredBodyCostsItsStreamOnly() async throws {
        try await run(ConnectionLimits(bodyTimeout: .milliseconds(300)), respond: { _, _ in .text("no") }) {
            server, client in
            try await client.send(Frames.head(1, path: "/", ends: false))
            #expect(try await client.wait { $0.resetCode(1) == Self.noError } != nil)
            #expect(client.answer(1) == "no")
            try await client.send(Frames.head(3, path: "/"))
            #expect(try await client.wait { $0.answer(3) == "no" } != nil)
        }
    }

    // MARK: Floods

    @Test(arguments: ["resets", "pings", "settings", "continuations", "empty data"])
    func aFloodEndsTheConnection(of kind: String) async throws {
        try await run { server, client in
            let flood: [[UInt8]] = (0..<UInt32(300)).map { i in
                switch kind {
                case "resets": Frames.head(2 * i + 1, path: "/", ends: false) + Frames.reset(2 * i + 1)
                case "pings": Frames.ping
                case "settings": Frames.frame(4)
                case "continuations": Frames.frame(i == 0 ? 1 : 9, stream: 1, i == 0 ? [0x83] : [])
                default: i == 0 ? Frames.head(1, path: "/", ends: false) : Frames.body(1, [])
                }
            }
            try? await client.send(flood.flatMap { $0 })
            #expect(try await client.wait(.seconds(3)) { $0.isClosed } != nil)
            #expect(client.goAwayCode == Self.enhanceYourCalm)
            let other = try await server.connect(isSecure: true, protocols: ["h2"])
            try await other.send(Frames.preface + Frames.head(1, path: "/"))
            #expect(try await other.wait { $0.answer(1) == "done 0" } != nil)
        }
    }
}
