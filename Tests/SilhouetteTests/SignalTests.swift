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
            let head =
                "POST /m/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
            try #require(head.utf8CString.withUnsafeBytes { write(descriptor, $0.baseAddress, head.utf8.count) } > 0)
            // The server says so when it waits for the body.
            var answer = [UInt8](repeating: 0, count: 100)
            let count = read(descriptor, &answer, answer.count)
            try #require(count > 0 && String(decoding: answer[..<count], as: UTF8.self).hasPrefix("HTTP/1.1 100"))
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

    /// Whatever the server is doing when it is told to stop.
    @Test func aSignalDuringTheStartEndsAServer() async throws {
        for delay in stride(from: 0.02, to: 0.2, by: 0.012) {
            let process = Program.process([
                "serve", "--port", "0", "--shutdown-timeout", "60", "--state",
                try TestFiles.temporaryFolder().appending(path: "state").path,
            ])
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            try await Task.sleep(for: .seconds(delay))
            process.terminate()
            #expect(try await ends(process, within: 30), "SIGTERM after \(delay) s")
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
    }

    @Test(arguments: ["-1", "3601", "soon", "nan"]) func invalidDeadlinesAreRefused(text: String) throws {
        let outcome = try Program.run(["serve", "--shutdown-timeout=\(text)"])
        #expect(outcome.status == 64 && outcome.errors.contains("shutdown-timeout"))
    }
}
