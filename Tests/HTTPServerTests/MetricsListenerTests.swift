import Logging
import ServiceLifecycle
import Serving
import Testing

@testable import HTTPServer

/// The address of its own that metrics may have.
@Suite(.timeLimit(.minutes(1))) struct MetricsListenerTests {
    @Test func aScraperThatFinishesSendingGetsItsAnswerAlone() async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        let listener = MetricsListener(
            address: ListeningAddress(host: "127.0.0.1", port: 0), registry: PrometheusRegistry(), logger: logger
        ) { source.yield($0) }
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [listener], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let port = try #require(await ports.first { _ in true })
            let server = ConnectionTestServer(port: port, registry: ConnectionRegistry(maxConnections: 1))
            for _ in 0..<40 {
                let client = try await server.connect()
                try await client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                try await client.finishSending()
                #expect(try await client.wait { $0.isClosed } != nil)
                #expect(client.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
