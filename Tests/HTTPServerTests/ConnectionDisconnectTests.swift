import Foundation
import Hummingbird
import HummingbirdTesting
import InstanceSegmentation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// The work of a request ends when its client goes, and only then.
@Suite(.timeLimit(.minutes(1))) struct ConnectionDisconnectTests {
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    private static let limit = Duration.milliseconds(300)

    private func run(
        _ work: CancelableWork, isSecure: Bool = false,
        _ test: @escaping @Sendable (ConnectionTestServer) async throws -> Void
    ) async throws {
        try await ConnectionTestServer.run(isSecure: isSecure) { request, context in
            let body = try await request.collectedBody(limit: 1 << 20, context: context)
            try await work.run()
            return .text("done \(body.readableBytes)")
        } _: { server in
            try await test(server)
        }
    }

    enum Leaving: CaseIterable { case close, abandon, reset }

    @Test(arguments: Leaving.allCases, [false, true])
    func aClientThatLeavesCancelsItsWork(how: Leaving, isSecure: Bool) async throws {
        let work = CancelableWork()
        try await run(work, isSecure: isSecure) { server in
            let client = try await server.connect(isSecure: isSecure)
            try await client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            #expect(try await eventually { work.counts.started == 1 } != nil)
            try await Task.sleep(for: .milliseconds(100))
            #expect(work.counts.canceled == 0)
            let start = ContinuousClock.now
            switch how {
            case .close: try await client.close()
            case .abandon: try await client.abandon()
            case .reset: try await client.reset()
            }
            #expect(try await eventually(.seconds(5)) { work.counts.canceled == 1 } != nil)
            #expect(ContinuousClock.now - start < Self.limit)
            #expect(try await eventually { server.registry.counts.open == 0 } != nil)
        }
    }

    @Test func aClientThatLeavesWithMoreRequestsWaitingCancelsToo() async throws {
        let work = CancelableWork()
        try await run(work) { server in
            let client = try await server.connect()
            try await client.send(Self.get + Self.get + "GET / HT")
            #expect(try await eventually { work.counts.started == 1 } != nil)
            try await client.close()
            #expect(try await eventually(Self.limit) { work.counts.canceled == 1 } != nil)
            try await Task.sleep(for: .milliseconds(200))
            #expect(work.counts.started == 1 && work.counts.canceled == 1)
        }
    }

    @Test func aClientThatLeavesDuringItsBodyCancelsToo() async throws {
        let failures = Mutex<[any Error]>([])
        try await ConnectionTestServer.run { request, context in
            do {
                _ = try await request.collectedBody(limit: 1 << 20, context: context)
            } catch {
                failures.withLock { $0.append(error) }
                throw error
            }
            return .text("done")
        } _: { server in
            let client = try await server.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\nabc")
            try await Task.sleep(for: .milliseconds(100))
            try await client.close()
            #expect(try await eventually(Self.limit) { failures.withLock { $0.count } == 1 } != nil)
            #expect(try await eventually { server.registry.counts.open == 0 } != nil)
        }
    }

    @Test func aClientThatOnlyFinishesSendingGetsItsResponse() async throws {
        let work = CancelableWork(.milliseconds(1600))
        try await run(work) { server in
            let client = try await server.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            try await client.finishSending()
            #expect(try await client.wait { $0.text.hasSuffix("done 3") } != nil)
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect(work.counts.canceled == 0 && work.counts.finished == 1)
            // The probes are interim responses before the final one.
            let interim = "HTTP/1.1 100 Continue\r\n\r\n"
            let parts = client.text.components(separatedBy: interim)
            #expect((4...7).contains(parts.count - 1) && parts.dropLast().allSatisfy(\.isEmpty))
            #expect(parts.last?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
        }
    }

    @Test func aClientThatFinishesSendingAndLeavesLaterCancels() async throws {
        let work = CancelableWork()
        try await run(work) { server in
            let client = try await server.connect()
            try await client.send(Self.get)
            try await client.finishSending()
            #expect(try await eventually { work.counts.started == 1 } != nil)
            try await Task.sleep(for: .milliseconds(1500))
            #expect(work.counts.canceled == 0)
            try await client.close()
            // Probes come every second by now.
            #expect(try await eventually(.milliseconds(1500)) { work.counts.canceled == 1 } != nil)
        }
    }

    @Test func aHalfClosedClientOfAnOldVersionIsNotProbed() async throws {
        let work = CancelableWork(.milliseconds(600))
        try await run(work) { server in
            let client = try await server.connect()
            try await client.send("GET / HTTP/1.0\r\n\r\n")
            try await client.finishSending()
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect(client.text.hasPrefix("HTTP/1.0 200 OK") || client.text.hasPrefix("HTTP/1.1 200 OK"))
            #expect(client.text.hasSuffix("done 0") && work.counts.finished == 1)
        }
    }

    @Test func halfClosedPipelinedRequestsAreAllAnswered() async throws {
        let work = CancelableWork(.milliseconds(100))
        try await run(work) { server in
            let client = try await server.connect()
            try await client.send(String(repeating: Self.get, count: 5))
            try await client.finishSending()
            #expect(try await client.wait { $0.isClosed } != nil)
            #expect(client.text.components(separatedBy: "done 0").count == 6 && work.counts.canceled == 0)
        }
    }

    @Test func requestsOnAKeptConnectionAreNotCanceled() async throws {
        let work = CancelableWork(.milliseconds(5))
        try await run(work) { server in
            let client = try await server.connect()
            for i in 1...30 {
                try await client.send(Self.get)
                #expect(try await client.wait { $0.text.components(separatedBy: "done 0").count == i + 1 } != nil)
            }
            try await client.close()
            #expect(work.counts.finished == 30 && work.counts.canceled == 0)
        }
    }

    // MARK: HTTP/2

    @Test func aResetStreamCancelsItsWorkAndNoOther() async throws {
        let work = CancelableWork()
        try await run(work, isSecure: true) { server in
            let client = try await server.connect(isSecure: true, protocols: ["h2"])
            try await client.send(HTTP2TestFrames.preface)
            for stream in [1, 3, 5] as [UInt32] { try await client.send(HTTP2TestFrames.head(stream, path: "/")) }
            #expect(try await eventually { work.counts.started == 3 } != nil)
            try await client.send(HTTP2TestFrames.reset(3))
            #expect(try await eventually(Self.limit) { work.counts.canceled == 1 } != nil)
            try await Task.sleep(for: .milliseconds(200))
            #expect(work.counts.canceled == 1 && !client.isClosed)
            try await client.close()
            #expect(try await eventually(Self.limit) { work.counts.canceled == 3 } != nil)
        }
    }

    @Test func framesWithoutRequestsDoNotKeepAConnectionOpen() async throws {
        let limits = ConnectionLimits(headTimeout: .milliseconds(500), idleTimeout: .milliseconds(500))
        try await ConnectionTestServer.run(limits, isSecure: true, respond: { _, _ in .text("done") }) { server in
            for hasRequest in [false, true] {
                let client = try await server.connect(isSecure: true, protocols: ["h2"])
                try await client.send(HTTP2TestFrames.preface)
                if hasRequest { try await client.send(HTTP2TestFrames.head(1, path: "/")) }
                let start = ContinuousClock.now
                while !client.isClosed, ContinuousClock.now - start < .seconds(5) {
                    try? await client.send(HTTP2TestFrames.windowUpdate)
                    try await Task.sleep(for: .milliseconds(100))
                }
                #expect(client.isClosed)
            }
        }
    }

    // MARK: Through the server

    @Test func aClientThatLeftIsCounted() async throws {
        let work = CancelableWork()
        let isReady = Mutex(false)
        let half = TestServer.halfSession()
        let application = try await TestServer.application(session: { _ in
            StubSession(model: half.modelDescription) { inputs in
                if isReady.withLock({ $0 }) { try await work.run() }
                return try await half.infer(inputs).outputs
            }
        })
        try await TestServer.whenReady(application) { client in
            isReady.withLock { $0 = true }
            let server = ConnectionTestServer(
                port: try #require(client.port), registry: ConnectionRegistry(maxConnections: 1))
            let leaving = try await server.connect()
            let body = String(buffer: TestServer.base64)
            try await leaving.send(
                "POST /m/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(try await eventually { work.counts.started == 1 } != nil)
            try await leaving.close()
            // No other request waits, so that the client is not probed in the first second.
            #expect(try await eventually(.seconds(5)) { work.counts.canceled == 1 } != nil)
            var metrics = ""
            for _ in 0..<100 where !metrics.contains("client_closed_request") {
                try await Task.sleep(for: .milliseconds(20))
                metrics = String(buffer: try await client.execute(uri: "/metrics", method: .get).body)
            }
            #expect(metrics.contains("silhouette_errors_total{kind=\"client_closed_request\"} 1"))
            #expect(metrics.contains("status=\"499\""))
        }
    }
}
