import Foundation
import TestSupport
import Testing

/// How a server ends, whatever its requests are waiting for.
@Suite(.timeLimit(.minutes(2))) struct SignalTests {
    /// A connection that sends the head of a request and never its body, so that the server is never done with it.
    private final class UnfinishedRequest {
        private let descriptor: Int32

        init(port: Int) throws {
            #if canImport(Glibc)
                descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            #else
                descriptor = socket(AF_INET, SOCK_STREAM, 0)
            #endif
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let status = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(status == 0)
            let head = "POST /m/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc"
            try #require(head.utf8CString.withUnsafeBytes { write(descriptor, $0.baseAddress, head.utf8.count) } > 0)
            Thread.sleep(forTimeInterval: 0.3)  // until the server is at it
        }

        deinit { close(descriptor) }
    }

    /// Whether the process ends within a number of seconds.
    private func ends(_ process: Process, within seconds: Double) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while process.isRunning {
            guard ContinuousClock.now < end else { return false }
            try await Task.sleep(for: .milliseconds(20))
        }
        return true
    }

    @Test func hangUpDoesNotEndAServer() async throws {
        let server = try RunningServer(["--preload", "none"])
        for _ in 0..<3 { kill(server.process.processIdentifier, SIGHUP) }
        #expect(try await !ends(server.process, within: 0.5))
        #expect(try server.curl([], path: "/healthz").hasSuffix("\n200"))
        #expect(server.logText.contains("SIGHUP"))
        server.process.terminate()
        #expect(try await ends(server.process, within: 20))
        #expect(server.process.terminationReason == .exit && server.process.terminationStatus == 0)
    }

    @Test(arguments: [SIGTERM, SIGINT]) func aSecondSignalEndsAServerAtOnce(number: Int32) async throws {
        let server = try RunningServer(["--preload", "none", "--shutdown-timeout", "600"])
        let request = try UnfinishedRequest(port: server.port)
        kill(server.process.processIdentifier, number)
        #expect(try await !ends(server.process, within: 1))
        kill(server.process.processIdentifier, number)
        #expect(try await ends(server.process, within: 5))
        #expect(server.process.terminationReason == .exit && server.process.terminationStatus == 128 + number)
        #expect(server.logText.contains("second signal"))
        withExtendedLifetime(request) {}
    }

    @Test func requestsInFlightAreWaitedForUntilTheDeadline() async throws {
        let server = try RunningServer(["--preload", "none"], environment: ["SILHOUETTE_SHUTDOWN_TIMEOUT": "2"])
        let request = try UnfinishedRequest(port: server.port)
        let start = ContinuousClock.now
        server.process.terminate()
        #expect(try await ends(server.process, within: 20))
        #expect(ContinuousClock.now - start >= .seconds(1.9))
        #expect(server.process.terminationReason == .exit && server.process.terminationStatus == 0)
        #expect(server.logText.contains("Ended with requests in flight"))
        withExtendedLifetime(request) {}
    }

    @Test(arguments: ["-1", "3601", "soon", "nan"]) func aDeadlineThatIsNoneIsRefused(text: String) throws {
        let outcome = try Program.run(["serve", "--shutdown-timeout=\(text)"])
        #expect(outcome.status == 64 && outcome.errors.contains("shutdown-timeout"))
    }
}
