import Foundation
import TestSupport
import Testing

/// `silhouette health`, as containers call it.
@Suite(.timeLimit(.minutes(2))) struct HealthTests {
    @Test func aServerThatAnswersIsHealthyAndReady() throws {
        let server = try RunningServer(["--preload", "none"])
        let url = "http://127.0.0.1:\(server.port)"
        for arguments in [[url], [url + "/", "--ready"], ["--ready"], []] {
            let outcome = try Program.run(
                ["health"] + arguments,
                environment: ["SILHOUETTE_PORT": String(server.port), "SILHOUETTE_HOST": "0.0.0.0"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.split(separator: "\n").count == 1)
            #expect(outcome.output.contains(arguments.contains("--ready") ? "readiness answers: ready" : "healthz"))
        }
        let other = try Program.run(["health", url + "/nothing"])
        #expect(other.status == 1 && other.errors.contains("/nothing/healthz answered 4"))
    }

    @Test func aServerWithACertificateIsAskedThroughTLS() throws {
        let files = ["tls-first.pem", "tls-first.key"].map { TestFiles.fixture($0).path }
        let server = try RunningServer(
            ["--preload", "none", "--tls-certificate", files[0], "--tls-private-key", files[1]])
        let environment = ["SILHOUETTE_PORT": String(server.port), "SILHOUETTE_TLS_CERTIFICATE": files[0]]
        let outcome = try Program.run(["health"], environment: environment)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("https://127.0.0.1:\(server.port)/healthz"))
    }

    @Test func whereNoServerListensTheReasonIsGiven() throws {
        // A port that was free a moment ago.
        let port = try { try RunningServer(["--preload", "none"]) }().stoppedPort()
        let outcome = try Program.run(["health"], environment: ["SILHOUETTE_PORT": String(port)])
        #expect(outcome.status == 1 && outcome.output.isEmpty)
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(outcome.errors.contains("http://127.0.0.1:\(port)/healthz refused the connection"), "\(outcome.errors)")
    }

    @Test(arguments: [
        ["health", "ftp://h/"], ["health", "h:9001"], ["health", "http://h/?a=b"], ["health", "--timeout", "0"],
        ["health", "--timeout", "nan"],
    ])
    func whatCannotBeAskedIsRefused(arguments: [String]) throws {
        #expect(try Program.run(arguments).status == 64)
    }
}

extension RunningServer {
    /// Stops the server. Returns the port that it listened on.
    fileprivate func stoppedPort() -> Int {
        process.terminate()
        process.waitUntilExit()
        return port
    }
}
