import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// What keeps a server from stopping: requests in flight, and nothing else.
@Suite(.timeLimit(.minutes(1))) struct ConnectionStopTests {
    private typealias Frames = HTTP2TestFrames
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test func connectionsWithoutRequestsEndAtOnce() async throws {
        for isSecure in [false, true] {
            try await ConnectionTestServer.run(isSecure: isSecure, respond: { _, _ in .text("hello") }) { server in
                // Nothing, half a head or handshake, kept after a request; with TLS also before one, of both versions.
                var clients = [try await server.connect(), try await server.connect()]
                try await clients[1].send(isSecure ? [22, 3] : Array("GET / HT".utf8))
                let kept = try await server.connect(isSecure: isSecure)
                try await kept.send(Self.get)
                #expect(try await kept.wait { $0.text.hasSuffix("hello") } != nil)
                clients.append(kept)
                if isSecure {
                    clients.append(try await server.connect(isSecure: true))
                    for hasRequest in [false, true] {
                        let client = try await server.connect(isSecure: true, protocols: ["h2"])
                        try await client.send(Frames.preface + (hasRequest ? Frames.head(1, path: "/") : []))
                        #expect(try await client.wait { !$0.frames.isEmpty } != nil)
                        if hasRequest { #expect(try await client.wait { $0.answer(1) == "hello" } != nil) }
                        clients.append(client)
                    }
                }
                let start = ContinuousClock.now
                await server.stop()
                #expect(try await eventually(.seconds(3)) { server.hasStopped() } != nil)
                #expect(ContinuousClock.now - start < .milliseconds(1500))
                for client in clients { #expect(try await client.wait(.seconds(1)) { $0.isClosed } != nil) }
                if isSecure { #expect(clients.suffix(2).allSatisfy { $0.goAwayCode == 0 }) }
            }
        }
    }

    @Test func requestsInFlightAreAnsweredFirst() async throws {
        let work = CancelableWork(.milliseconds(800))
        try await ConnectionTestServer.run(
            isSecure: true,
            respond: { request, context in
                let body = try await request.collectedBody(limit: 1 << 20, context: context)
                try await work.run()
                return .text("done \(body.readableBytes)")
            }
        ) { server in
            let old = try await server.connect(isSecure: true)
            try await old.send(Self.get)
            let new = try await server.connect(isSecure: true, protocols: ["h2"])
            try await new.send(Frames.preface + Frames.head(1, path: "/") + Frames.head(3, path: "/", ends: false))
            #expect(try await eventually { work.counts.started == 2 && server.registry.requestsInFlight == 3 } != nil)
            await server.stop()
            #expect(try await new.wait { $0.goAwayCode == 0 } != nil)
            try await new.send(Frames.head(5, path: "/") + Frames.body(3, [1, 2], ends: true))
            #expect(try await eventually(.seconds(5)) { server.hasStopped() } != nil)
            #expect(old.text.hasSuffix("done 0") && new.answer(1) == "done 0" && new.answer(3) == "done 2")
            #expect(new.answer(5) == nil && work.counts.canceled == 0 && server.registry.requestsInFlight == 0)
        }
    }

    @Test(arguments: [false, true]) func aLargeAnswerIsSentToItsEnd(isSecure: Bool) async throws {
        let size = 16 << 20
        try await ConnectionTestServer.run(
            isSecure: isSecure,
            respond: { _, _ in
                Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(repeating: 120, count: size)))
            }
        ) { server in
            let client = try await server.connect(isSecure: isSecure)
            try await client.send(Self.get)
            #expect(try await client.wait { $0.count > 0 } != nil)
            try await client.channel.setOption(.autoRead, value: false).get()
            await server.stop()
            try await Task.sleep(for: .milliseconds(700))
            #expect(!server.hasStopped())
            try await client.channel.setOption(.autoRead, value: true).get()
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect(client.count > size)
        }
    }

    // MARK: The end of the time

    @Test(arguments: [0, 3]) func theLogSaysWhetherRequestsWereDropped(requests: Int) async throws {
        for timeout in [Duration.zero, .milliseconds(50)] {
            let lines = LogLines()
            let (stream, source) = AsyncStream.makeStream(of: String.self)
            let signals = ShutdownSignals(
                timeout: timeout, logger: lines.logger, requestsInFlight: { requests },
                drain: { source.yield("drain") }, end: { source.yield("end \($0)") })
            var events = stream.makeAsyncIterator()
            signals.receive(SIGTERM)
            if timeout > .zero { #expect(await events.next() == "drain") }
            #expect(await events.next() == "end 0")
            let hasDropped = lines.all.contains { $0.contains("Ended with requests in flight") }
            #expect(hasDropped == (requests > 0))
        }
    }

    // MARK: Too many connections

    @Test func aConnectionForWhichThereIsNoRoomIsTold() async throws {
        let work = CancelableWork(.seconds(2))
        let lines = LogLines()
        let registry = ConnectionRegistry(maxConnections: 1, logger: lines.logger)
        try await ConnectionTestServer.run(
            registry: registry,
            respond: { _, _ in
                try await work.run()
                return .text("done")
            }
        ) { server in
            let first = try await server.connect()
            try await first.send(Self.get)
            #expect(try await eventually { registry.counts.inFlight == 1 } != nil)
            for i in 1...3 {
                let second = try await server.connect()
                try? await second.send(Self.get)  // it may have been told already
                #expect(try await second.wait(.seconds(2)) { $0.isClosed } != nil)
                #expect(second.text.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
                #expect(second.text.contains("{\"message\":\"The server has as many connections as it takes."))
                #expect(registry.counts.refused == i)
            }
            #expect(lines.all.filter { $0.contains("Connections are refused") }.count == 1)
            #expect(try await first.wait { $0.text.hasSuffix("done") } != nil)
        }
    }
}

/// What was logged.
private final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock { $0.append("\(event.level): \(event.message)") }
        }
    }
}
