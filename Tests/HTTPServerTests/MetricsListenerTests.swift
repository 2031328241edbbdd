import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Serving
import Testing

@testable import HTTPServer

/// The address of its own that metrics may have.
@Suite(.timeLimit(.minutes(1))) struct MetricsListenerTests {
    @Test func aScraperThatFinishesSendingGetsItsAnswerAlone() async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        // A port that was free a moment ago.
        let probe = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(probe.localAddress?.port)
        try await probe.close()
        let listener = MetricsListener(
            address: ListeningAddress(host: "127.0.0.1", port: port), registry: PrometheusRegistry(), logger: logger)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [listener], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let server = ConnectionTestServer(port: port, registry: ConnectionRegistry(maxConnections: 1))
            var isUp = false
            for _ in 0..<200 where !isUp {
                try await Task.sleep(for: .milliseconds(20))
                isUp = (try? await server.connect().close()) != nil
            }
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
