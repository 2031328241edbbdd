import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Serving
import Synchronization
import Testing

@testable import HTTPServer

/// Clients that keep the server waiting, over real sockets and with small limits.
@Suite(.timeLimit(.minutes(1))) struct ConnectionDeadlineTests {
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    private static func post(_ length: Int, _ headers: String = "") -> String {
        "POST / HTTP/1.1\r\nHost: x\r\n\(headers)Content-Length: \(length)\r\n\r\n"
    }

    private static let collect: ConnectionTestServer.Respond = { request, context in
        let body = try await request.collectedBody(limit: 1 << 20, context: context)
        return .text("received \(body.readableBytes)")
    }

    private static let hello: ConnectionTestServer.Respond = { _, _ in .text("hello") }

    /// Sends a byte at a time until the connection ends.
    private func drip(_ connection: TestConnection, every interval: Duration = .milliseconds(20), count: Int = 200)
        async
    {
        for _ in 0..<count where !connection.isClosed {
            do {
                try await connection.send("a")
                try await Task.sleep(for: interval)
            } catch { return }
        }
    }

    @Test(arguments: [false, true]) func aHeadThatNeverEndsIsCutOff(isSecure: Bool) async throws {
        let limits = ConnectionLimits(headTimeout: .milliseconds(400), idleTimeout: .seconds(30))
        try await ConnectionTestServer.run(limits, isSecure: isSecure, respond: Self.hello) { server in
            // Nothing, a part of a head, and bytes of no TLS handshake or of a head that drips.
            let (silent, partial) = (try await server.connect(), try await server.connect())
            let dripping = try await server.connect(isSecure: isSecure)
            try await partial.send(isSecure ? [22, 3] : Array("GET / HT".utf8))
            try await dripping.send("GET /")
            await drip(dripping)
            for connection in [silent, partial, dripping] {
                #expect(try await connection.wait(.seconds(3)) { $0.isClosed } != nil)
            }
            #expect(server.registry.counts.timedOut[.head] == 3)
        }
    }

    @Test func theNextHeadOnAKeptConnectionHasADeadlineToo() async throws {
        let limits = ConnectionLimits(headTimeout: .milliseconds(400), idleTimeout: .seconds(30))
        try await ConnectionTestServer.run(limits, respond: Self.hello) { server in
            let connection = try await server.connect()
            try await connection.send(Self.get)
            #expect(try await connection.wait { $0.text.hasSuffix("hello") } != nil)
            try await Task.sleep(for: .milliseconds(600))
            #expect(!connection.isClosed, "no byte of a next request has come")
            try await connection.send("GET /")
            await drip(connection)
            #expect(try await connection.wait(.seconds(3)) { $0.isClosed } != nil)
            #expect(server.registry.counts.timedOut == [.head: 1])
        }
    }

    @Test func aKeptConnectionEndsWhenItIsIdle() async throws {
        let limits = ConnectionLimits(headTimeout: .seconds(30), idleTimeout: .milliseconds(300))
        try await ConnectionTestServer.run(limits, respond: Self.hello) { server in
            let connection = try await server.connect()
            for i in 1...3 {
                try await connection.send(Self.get)
                #expect(
                    try await connection.wait { $0.text.components(separatedBy: "hello").count == i + 1 } != nil)
                try await Task.sleep(for: .milliseconds(150))
            }
            #expect(try await connection.wait(.seconds(3)) { $0.isClosed } != nil)
            #expect(server.registry.counts.timedOut == [.idle: 1])
        }
    }

    @Test(
        arguments: [
            ConnectionLimits(bodyTimeout: .milliseconds(500), minBodyRate: 0),
            ConnectionLimits(bodyTimeout: .seconds(60), minBodyRate: 1000, bodyGrace: .milliseconds(300)),
        ], [false, true])
    func aBodyThatDripsIsAnsweredWith408(limits: ConnectionLimits, isChunked: Bool) async throws {
        try await ConnectionTestServer.run(limits, respond: Self.collect) { server in
            let connection = try await server.connect()
            if isChunked {
                try await connection.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n")
            } else {
                try await connection.send(Self.post(100_000))
            }
            await drip(connection)
            #expect(try await connection.wait(.seconds(5)) { $0.isClosed } != nil)
            #expect(connection.text.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
            #expect(connection.text.lowercased().contains("connection: close\r\n"))
            #expect(connection.text.contains("{\"message\":\"The request body was not received in time."))
            #expect(server.registry.counts.timedOut == [.body: 1])
        }
    }

    @Test func aBodyAboveTheMinimumRateIsReceived() async throws {
        let limits = ConnectionLimits(bodyTimeout: .seconds(30), minBodyRate: 1000, bodyGrace: .milliseconds(400))
        try await ConnectionTestServer.run(limits, respond: Self.collect) { server in
            let connection = try await server.connect()
            try await connection.send(Self.post(20_000, "Expect: 100-continue\r\n"))
            #expect(try await connection.wait { $0.text.contains("100 Continue\r\n\r\n") } != nil)
            for _ in 0..<20 {
                try await connection.send(String(repeating: "a", count: 1000))
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(try await connection.wait { $0.text.hasSuffix("received 20000") } != nil)
            #expect(!connection.isClosed)
        }
    }

    @Test func theRateCountsOnlyWhileTheServerReads() async throws {
        let limits = ConnectionLimits(bodyTimeout: .seconds(30), minBodyRate: 10_000_000, bodyGrace: .seconds(1))
        try await ConnectionTestServer.run(limits) { request, context in
            var (count, isFirst) = (0, true)
            _ = try await request.collectedBody(limit: 1 << 20, context: context) { part in
                count += part.readableBytes
                // A reader that waits for memory; the client can send no more meanwhile.
                if isFirst { try await Task.sleep(for: .milliseconds(1500)) }
                isFirst = false
            }
            return .text("received \(count)")
        } _: { server in
            let connection = try await server.connect()
            let body = String(repeating: "a", count: 900_000)
            try await connection.send(Self.post(body.utf8.count) + body)
            #expect(try await connection.wait { $0.text.hasSuffix("received 900000") } != nil)
        }
    }

    @Test func theRestOfABodyThatWasAnsweredHasADeadline() async throws {
        let limits = ConnectionLimits(bodyTimeout: .milliseconds(500))
        try await ConnectionTestServer.run(limits, respond: Self.hello) { server in
            let connection = try await server.connect()
            try await connection.send(Self.post(100_000))
            #expect(try await connection.wait { $0.text.hasSuffix("hello") } != nil)
            await drip(connection)
            #expect(try await connection.wait(.seconds(3)) { $0.isClosed } != nil)
        }
    }

    @Test func theRestOfABodyThatWasAnsweredHasAMinimumRate() async throws {
        let limits = ConnectionLimits(bodyTimeout: .seconds(60), minBodyRate: 1000, bodyGrace: .milliseconds(300))
        try await ConnectionTestServer.run(limits, respond: Self.hello) { server in
            let connection = try await server.connect()
            try await connection.send(Self.post(100_000) + "abc")
            #expect(try await connection.wait { $0.text.hasSuffix("hello") } != nil)
            #expect(try await connection.wait(.seconds(20)) { $0.isClosed } != nil)
        }
    }

    @Test func aReservationThatIsRefusedEndsTheReading() async throws {
        try await ConnectionTestServer.run(respond: { request, context in
            var left = 1000
            let body = try await request.collectedBody(limit: 1 << 20, context: context) { part in
                guard part.readableBytes <= left else { throw ServiceError.overloaded(retryAfter: 1) }
                left -= part.readableBytes
            }
            return .text("received \(body.readableBytes), \(left) left")
        }) { server in
            for (size, status) in [(1000, 200), (1001, 429)] {
                let connection = try await server.connect()
                try await connection.send(Self.post(size) + String(repeating: "a", count: size))
                #expect(try await connection.wait { $0.text.hasPrefix("HTTP/1.1 \(status) ") } != nil)
                if status == 200 { #expect(try await connection.wait { $0.text.hasSuffix("1000, 0 left") } != nil) }
            }
        }
    }

    // MARK: Responses

    /// Larger than what the buffers of the system take.
    private static let large = ByteBuffer(repeating: UInt8(ascii: "x"), count: 16 << 20)

    @Test(arguments: [false, true]) func aClientThatNeverReadsIsCutOff(isSecure: Bool) async throws {
        let limits = ConnectionLimits(idleTimeout: .seconds(30), writeTimeout: .milliseconds(500))
        let answered = Mutex(0)
        try await ConnectionTestServer.run(limits, isSecure: isSecure) { _, _ in
            answered.withLock { $0 += 1 }
            return Response(status: .ok, body: ResponseBody(byteBuffer: Self.large))
        } _: { server in
            let connection = try await server.connect(isReading: false)
            if isSecure {
                // The handshake needs reading: it goes on until the first bytes of the response.
                let secure = try await server.connect(isSecure: true)
                try await secure.send(Self.get)
                #expect(try await secure.wait { $0.count > 0 } != nil)
                try await secure.channel.setOption(.autoRead, value: false).get()
            } else {
                try await connection.send(String(repeating: Self.get, count: 20))
            }
            #expect(try await eventually(.seconds(5)) { server.registry.counts.timedOut[.write] == 1 } != nil)
            #expect(answered.withLock { $0 } == 1, "the next requests wait until the first response is read")
            try await connection.close()
            #expect(try await eventually { server.registry.counts.open == 0 } != nil)
        }
    }

    @Test func aClientThatReadsSlowlyIsKept() async throws {
        let limits = ConnectionLimits(idleTimeout: .milliseconds(500), writeTimeout: .milliseconds(800))
        try await ConnectionTestServer.run(limits) { _, _ in
            Response(status: .ok, body: ResponseBody(byteBuffer: Self.large))
        } _: { server in
            let connection = try await server.connect(isReading: false)
            try await connection.send(Self.get)
            let start = ContinuousClock.now
            while connection.count < Self.large.readableBytes, !connection.isClosed {
                // About 200 kB of every 50 ms.
                try await Task.sleep(for: .milliseconds(20))
                for _ in 0..<10 { connection.channel.read() }
                guard ContinuousClock.now - start < .seconds(30) else { break }
            }
            #expect(connection.count > Self.large.readableBytes)
            #expect(server.registry.counts.timedOut[.write] == nil)
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrderAndBounded() async throws {
        try await ConnectionTestServer.run(ConnectionLimits(idleTimeout: .seconds(5))) { request, context in
            let body = try await request.collectedBody(limit: 100, context: context)
            return .text("<\(request.uri.path)\(String(buffer: body))>")
        } _: { server in
            let connection = try await server.connect()
            let requests = (0..<40).map { "POST /\($0) HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab" }
            try await connection.send(requests.joined())
            #expect(try await connection.wait { $0.text.hasSuffix("</39ab>") } != nil)
            let numbers = connection.text.matches(of: #/<\/(\d+)ab>/#).compactMap { Int($0.1) }
            #expect(numbers == Array(0..<40) && !connection.isClosed)

            // Half-closed after many more than can wait: those that wait are answered, and the connection ends.
            let greedy = try await server.connect()
            try await greedy.send(String(repeating: requests[0], count: 20_000))
            try await greedy.finishSending()
            #expect(try await greedy.wait { $0.isClosed } != nil)
            let count = greedy.text.components(separatedBy: "</0ab>").count - 1
            #expect((1...4000).contains(count))
        }
    }
}
