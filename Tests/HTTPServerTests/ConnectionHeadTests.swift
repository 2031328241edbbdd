import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// Heads of HTTP/2: what is too large is answered, and what never ends is cut off.
@Suite(.timeLimit(.minutes(1))) struct ConnectionHeadTests {
    private typealias Frames = HTTP2TestFrames

    private func filler(_ count: Int) -> [(String, String)] {
        (0..<count).map { ("x-filler-\($0)", String(repeating: "v", count: 1000)) }
    }

    private func run(
        _ limits: ConnectionLimits = ConnectionLimits(), registry: ConnectionRegistry? = nil,
        _ test: @escaping @Sendable (ConnectionTestServer) async throws -> Void
    ) async throws {
        try await ConnectionTestServer.run(
            limits, isSecure: true, registry: registry,
            respond: { request, context in
                try RequestHead.check(request)
                let body = try await request.collectedBody(limit: 1 << 20, context: context)
                return .text("\(request.uri.string.utf8.count) \(request.headers.count) \(body.readableBytes)")
            }, test)
    }

    private func connect(_ server: ConnectionTestServer) async throws -> TestConnection {
        let client = try await server.connect(isSecure: true, protocols: ["h2"])
        try await client.send(Frames.preface)
        return client
    }

    @Test(arguments: [false, true]) func aLargeHeadIsReadBeforeAndAfterTheSettings(acknowledges: Bool) async throws {
        try await run { server in
            let client = try await connect(server)
            if acknowledges {
                #expect(try await client.wait { $0.frames.count > 1 } != nil)
                try await client.send(Frames.acknowledgment)
            }
            try await client.send(Frames.head(1, path: "/", fields: filler(40)))
            let path = "/?image=" + String(repeating: "a", count: 900_000)
            try await client.send(Frames.head(3, path: path))
            #expect(try await client.wait { $0.answer(3) != nil } != nil)
            #expect(client.answer(1) == "1 40 0" && client.answer(3) == "\(path.utf8.count) 0 0")
            if !acknowledges { try await client.send(Frames.acknowledgment) }
            try await client.send(Frames.head(5, path: "/"))
            #expect(try await client.wait { $0.answer(5) == "1 0 0" } != nil)
        }
    }

    @Test func aHeadThatIsTooLargeIsAnsweredAndTheConnectionGoesOn() async throws {
        try await run { server in
            let client = try await connect(server)
            try await client.send(Frames.head(1, path: "/", fields: filler(70)))
            try await client.send(Frames.head(3, path: "/" + String(repeating: "p", count: 20_000)))
            let short = (0..<300).map { ("a\($0)", "") }
            try await client.send(Frames.head(5, path: "/", fields: short, ends: false))
            try await client.send(Frames.head(7, path: "/?" + String(repeating: "q", count: 1 << 20)))
            #expect(try await client.wait { $0.answer(7) != nil && $0.resetCode(5) == 0 } != nil)
            #expect(client.answer(1)?.contains("65536 bytes together") == true)
            #expect(client.answer(3)?.contains("The path of the request is too long: it may have 8192 bytes") == true)
            #expect(client.answer(5)?.contains("256 headers") == true)
            #expect(client.answer(7)?.contains("it may have 1048576 bytes") == true)
            try await client.send(Frames.head(9, path: "/"))
            #expect(try await client.wait { $0.answer(9) == "1 0 0" } != nil)
        }
    }

    @Test func aHeadBeyondEveryLimitEndsTheConnection() async throws {
        try await run { server in
            let client = try await connect(server)
            try? await client.send(Frames.head(1, path: "/?" + String(repeating: "q", count: RequestHead.maxReceived)))
            #expect(try await client.wait(.seconds(3)) { $0.isClosed } != nil)
            #expect(client.goAwayCode != nil && client.answer(1) == nil)
        }
    }

    @Test func aHeadThatNeverEndsIsCutOff() async throws {
        try await run(ConnectionLimits(headTimeout: .milliseconds(400), idleTimeout: .seconds(30))) { server in
            let client = try await connect(server)
            try await client.send(Frames.head(1, path: "/"))
            #expect(try await client.wait { $0.answer(1) != nil } != nil)
            try await client.send(Frames.frame(1, stream: 3, [0x83]))
            for _ in 0..<80 where !client.isClosed {
                try? await client.send(Frames.frame(9, stream: 3, [0x87]))
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try await client.wait(.seconds(3)) { $0.isClosed } != nil)
            #expect(server.registry.counts.timedOut == [.head: 1])
        }
    }

    @Test func headsOfStreamsShareTheMemoryOfHeads() async throws {
        // Room for the fourth as it comes, and not as a request.
        let registry = ConnectionRegistry(maxConnections: 8, maxHeadBytes: 1_150_000)
        try await run(ConnectionLimits(), registry: registry) { server in
            let client = try await connect(server)
            let path = "/?" + String(repeating: "q", count: 300_000)
            for stream in [1, 3, 5, 7] as [UInt32] {
                try await client.send(Frames.head(stream, path: path, ends: false))
            }
            #expect(try await client.wait { $0.resetCode(7) == 0 } != nil)
            #expect(client.answer(7)?.contains("message") == true && client.answer(1) == nil)
            try await client.send(Frames.body(1, [1], ends: true))
            #expect(try await client.wait { $0.answer(1) != nil } != nil)
            try await client.send(Frames.head(9, path: path))
            #expect(try await client.wait { $0.answer(9)?.hasPrefix("300002 ") == true } != nil)
            for stream in [3, 5] as [UInt32] { try await client.send(Frames.body(stream, [], ends: true)) }
            #expect(try await client.wait { $0.answer(3) != nil && $0.answer(5) != nil } != nil)
            #expect(try await eventually { registry.drawHeadBytes(1_150_000) } != nil, "all memory is returned")
        }
    }

    @Test func aConnectionThatIsOpenedBeforeItIsNeededIsIdle() async throws {
        try await run(ConnectionLimits(headTimeout: .seconds(1), idleTimeout: .seconds(3))) { server in
            let (used, unused) = (try await connect(server), try await connect(server))
            try await Task.sleep(for: .milliseconds(1800))
            try await used.send(Frames.head(1, path: "/"))
            #expect(try await used.wait { $0.answer(1) == "1 0 0" } != nil)
            #expect(try await unused.wait { $0.isClosed } != nil)
            #expect(unused.goAwayCode == 0)
            #expect(server.registry.counts.timedOut == [.idle: 1])
        }
    }

    // MARK: The scanner

    @Test func theAcknowledgmentComesWithTheSettingsAndOnlyOnce() {
        let ack = Frames.acknowledgment
        let head = Frames.head(1, path: "/" + String(repeating: "p", count: 50_000))
        let sent = Frames.preface + head + ack + Frames.ping + ack
        let expected = Frames.preface + ack + head + Frames.ping + ack
        for size in [1, 2, 7, 9, 10, 1000, sent.count] {
            var (scanner, passed, most) = (FrameScanner(), [UInt8](), 0)
            for start in stride(from: 0, to: sent.count, by: size) {
                let part = ByteBuffer(bytes: sent[start..<min(start + size, sent.count)])
                passed += scanner.scan(part).readableBytesView
                most = max(most, scanner.headBytes)
            }
            #expect(passed == expected && scanner.headBytes == 0 && scanner.heads == 1, "\(size)")
            if size == 1 { #expect(most == head.count - 1) }
        }
    }
}
