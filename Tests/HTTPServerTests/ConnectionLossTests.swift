import Foundation
import Hummingbird
import NIOCore
import Synchronization
import Testing

@testable import HTTPServer

/// Clients that are lost are no faults of the server, whatever their work fails with.
@Suite(.timeLimit(.minutes(1))) struct ConnectionLossTests {
    private final class Outcomes: Sendable {
        let started = Mutex(0)
        let errors = Mutex<[any Error]>([])
    }

    private func run(
        isSecure: Bool, _ outcomes: Outcomes, _ test: @escaping @Sendable (ConnectionTestServer) async throws -> Void
    ) async throws {
        try await ConnectionTestServer.run(
            isSecure: isSecure, failed: { error in outcomes.errors.withLock { $0.append(error) } },
            respond: { request, context in
                outcomes.started.withLock { $0 += 1 }
                _ = try await request.collectedBody(limit: 1 << 20, context: context)
                try await Task.sleep(for: .seconds(30))
                return .text("done")
            }, test)
    }

    @Test(arguments: [false, true]) func aResetInABodyIsADisconnect(isSecure: Bool) async throws {
        let (outcomes, count) = (Outcomes(), 40)
        try await run(isSecure: isSecure, outcomes) { server in
            for i in 1...count {
                let client = try await server.connect(isSecure: isSecure)
                try await client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc")
                #expect(try await eventually { outcomes.started.withLock { $0 } == i } != nil)
                try await Task.sleep(for: .milliseconds(5))
                try await client.reset()
            }
            #expect(try await eventually { outcomes.errors.withLock { $0.count } == count } != nil)
            let others = outcomes.errors.withLock { $0.filter { !($0 is ClientDisconnected) } }
            #expect(others.isEmpty, "\(others.prefix(3))")
        }
    }

    @Test(arguments: [false, true]) func aLostConnectionOfStreamsIsADisconnectOfEach(isReset: Bool) async throws {
        let (outcomes, rounds) = (Outcomes(), 5)
        try await run(isSecure: true, outcomes) { server in
            for i in 1...rounds {
                let client = try await server.connect(isSecure: true, protocols: ["h2"])
                try await client.send(HTTP2TestFrames.preface)
                // Half of them wait for their bodies.
                for stream in stride(from: 1, to: 21, by: 2) as StrideTo<UInt32> {
                    try await client.send(HTTP2TestFrames.head(stream, path: "/", ends: stream < 11))
                }
                #expect(try await eventually { outcomes.started.withLock { $0 } == 10 * i } != nil)
                if isReset { try await client.reset() } else { try await client.abandon() }
            }
            #expect(try await eventually { outcomes.errors.withLock { $0.count } == 10 * rounds } != nil)
            let others = outcomes.errors.withLock { $0.filter { !($0 is ClientDisconnected) } }
            #expect(others.isEmpty, "\(others.prefix(3))")
        }
    }
}
