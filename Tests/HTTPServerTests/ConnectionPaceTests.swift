import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Serving
import Testing

@testable import HTTPServer

/// Minimum rates in windows of time, and the memory of heads.
@Suite(.timeLimit(.minutes(1))) struct ConnectionPaceTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test func bytesSentEarlyDoNotPayForAStall() throws {
        var pace = BodyPace(limits: ConnectionLimits(), bytes: 0, isReading: true, now: start)
        pace.bytes = 32 << 20
        var now = start
        var isStalled = false
        for _ in 0..<3 where !isStalled {
            guard let next = pace.nextCheck(now: now) else {
                isStalled = true
                break
            }
            now = next
        }
        #expect(isStalled && now - start <= .seconds(10))
    }

    @Test func aSteadyBodyAndATimeWithoutReadingAreFine() throws {
        var pace = BodyPace(limits: ConnectionLimits(), bytes: 0, isReading: true, now: start)
        for second in 1...20 {
            pace.bytes += 1100
            #expect(pace.nextCheck(now: start + .seconds(Int64(second))) != nil)
        }
        pace.setReading(false, now: start + .seconds(20))
        #expect(pace.nextCheck(now: start + .seconds(40)) != nil)
    }

    @Test(arguments: [(1, true), (20_000, true), (31_000, false)])
    func aClientMustTakeAMinimumInEachWindow(rate: Int, isSlow: Bool) {
        var writes = WriteProgress(limits: ConnectionLimits())
        writes.written = 1 << 20
        var buffered = writes.written
        #expect(writes.state(buffered: buffered, now: start) == .waiting(.seconds(30)))
        for window in 1...5 where !isSlow || window == 1 {
            buffered -= rate
            let state = writes.state(buffered: buffered, now: start + .seconds(Int64(30 * window)))
            #expect((state == .stalled) == isSlow)
        }
    }

    @Test func aClientThatTakesAllThatWaitedIsKept() {
        var writes = WriteProgress(limits: ConnectionLimits())
        writes.written = 100
        #expect(writes.state(buffered: 100, now: start) == .waiting(.seconds(30)))
        writes.written = 300
        #expect(writes.state(buffered: 200, now: start + .seconds(31)) == .waiting(.seconds(30)))
        #expect(writes.state(buffered: 0, now: start + .seconds(40)) == .complete)
    }

    @Test func headsShareABudget() {
        let registry = ConnectionRegistry(maxConnections: 4, maxHeadBytes: 100_000)
        var (first, second) = (HeadBudget(registry: registry), HeadBudget(registry: registry))
        #expect(first.receive(HeadBudget.free) && second.receive(HeadBudget.free))
        #expect(first.receive(90_000) && !second.receive(20_000))
        first.release()
        first.release()
        second.release()
        #expect(second.receive(HeadBudget.free + 100_000) && !first.receive(HeadBudget.free + 1))
    }

    @Test func aHeadBeyondTheBudgetEndsItsConnection() async throws {
        let limits = ConnectionLimits()
        let registry = ConnectionRegistry(maxConnections: 8, maxHeadBytes: 1 << 20)
        try await ConnectionTestServer.run(limits, registry: registry, respond: { _, _ in .text("hello") }) { server in
            let part = String(repeating: "a", count: 900_000)
            let request = "GET /?\(String(repeating: "a", count: 400_000)) HTTP/1.1\r\nHost: x\r\n\r\n"
            let honest = try await server.connect()
            for _ in 0..<2 { try await honest.send(request) }
            #expect(try await honest.wait { $0.text.components(separatedBy: "hello").count == 3 } != nil)
            let (first, second) = (try await server.connect(), try await server.connect())
            for connection in [first, second] { try? await connection.send("GET /?" + part) }
            #expect(try await eventually { server.registry.counts.evicted == 1 } != nil)
            #expect(try await eventually { first.isClosed != second.isClosed } != nil)
            for connection in [first, second] where !connection.isClosed { try await connection.close() }
            #expect(try await eventually { server.registry.counts.open == 1 } != nil)
            try await honest.send(request)
            #expect(try await honest.wait { $0.text.components(separatedBy: "hello").count == 4 } != nil)
        }
    }

    @Test func metricsOnLoopbackAreNotForWebsites() async throws {
        let metrics = MetricsResponder(registry: PrometheusRegistry(), isLoopback: true)
        try await ConnectionTestServer.run(respond: { try await metrics.respond(to: $0, context: $1) }) { server in
            for (head, status) in [
                ("Host: localhost", 200), ("Host: evil.example", 403),
                ("Host: localhost\r\nOrigin: http://evil.example", 403),
            ] {
                let connection = try await server.connect()
                try await connection.send("GET /metrics HTTP/1.1\r\n\(head)\r\nConnection: close\r\n\r\n")
                #expect(try await connection.wait { $0.isClosed } != nil)
                #expect(connection.text.hasPrefix("HTTP/1.1 \(status) "), "\(head)")
            }
        }
    }

    @Test func metricsAreServedToHEADWithoutABody() async throws {
        let metrics = MetricsResponder(registry: PrometheusRegistry(), isLoopback: false)
        try await ConnectionTestServer.run(respond: { try await metrics.respond(to: $0, context: $1) }) { server in
            let connection = try await server.connect()
            try await connection.send("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await connection.wait { $0.isClosed } != nil)
            #expect(connection.text.hasPrefix("HTTP/1.1 200 ") && connection.text.hasSuffix("\r\n\r\n"))
        }
    }
}
