import ArgumentParser
import HTTPServer

/// Asks a running server whether it is healthy, for the health checks of containers, which have no other client.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Checks whether a server answers; exits with 0 if it does and with 1 if not.",
        discussion: """
            Without a URL the server of this machine is asked, at SILHOUETTE_HOST and SILHOUETTE_PORT; with \
            SILHOUETTE_TLS_CERTIFICATE over HTTPS. A certificate is not verified on a loopback address.
            """)

    @Argument(help: ArgumentHelp("Address of the server, such as http://127.0.0.1:9001.", valueName: "url"))
    var url: String?

    @Flag(help: "Ask whether the server is ready for predictions: its models are loaded and it is not stopping.")
    var ready = false

    @Option(help: ArgumentHelp("Seconds to wait for the answer.", valueName: "seconds"))
    var timeout = 3.0

    func validate() throws {
        try requireNumbers("PORT")
        guard (0.1...600).contains(timeout) else {
            throw ValidationError("--timeout must be from 0.1 to 600 seconds.")
        }
        _ = try probe()
    }

    func run() async throws {
        try await probe().run()
        try printLine("\(try probe().url) answers: \(ready ? "ready" : "healthy").")
    }

    private func probe() throws -> HealthProbe {
        let server = try url ?? Self.localServer()
        let question: HealthProbe.Question = ready ? .readiness : .health
        guard let probe = HealthProbe(server: server, question: question, timeout: .seconds(timeout)) else {
            throw ValidationError("'\(server)' is not an address such as http://127.0.0.1:9001.")
        }
        return probe
    }

    /// The server that the environment of a container describes.
    private static func localServer() throws -> String {
        let port = environment("PORT") ?? "9001"
        guard let number = Int(port), (1...65_535).contains(number) else {
            throw ValidationError(
                "SILHOUETTE_PORT is '\(port)'; expected a number from 1 to 65535, or a URL as argument.")
        }
        let scheme = environment("TLS_CERTIFICATE") == nil ? "http" : "https"
        // A server that listens on all addresses also listens on loopback.
        let host =
            switch environment("HOST") ?? "127.0.0.1" {
            case "0.0.0.0": "127.0.0.1"
            case "::": "::1"
            case let host: host
            }
        return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(number)"
    }
}
