import Foundation
public import Hummingbird
import NIOCore
import ServiceLifecycle

/// Runs a server until it is told to stop by SIGTERM or SIGINT. Requests in flight are answered first, for as long as
/// `ServerConfiguration.shutdownTimeout` allows; a second signal ends the process at once.
///
/// - Parameters:
///   - requestsInFlight: how many requests there are, for what is logged when the time is over.
///   - reload: called on SIGHUP, on a thread that it may block; once for several signals within 100 ms, and not once the server is
///     stopping.
/// - Throws: `ListeningError` where its address cannot be listened on.
public func runServer(
    _ application: some ApplicationProtocol, configuration: ServerConfiguration,
    requestsInFlight: @escaping @Sendable () -> Int = { 0 },
    reload: @escaping @Sendable () -> Void = {}
) async throws {
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: [application], gracefulShutdownSignals: [], logger: application.logger))
    let signals = ShutdownSignals(
        timeout: configuration.shutdownTimeout, logger: application.logger,
        requestsInFlight: requestsInFlight, drain: { Task { await group.triggerGracefulShutdown() } }, reload: reload)
    do {
        try await signals.handling { try await group.run() }
    } catch let error as IOError {
        throw ListeningError(host: configuration.host, port: configuration.port, code: error.errnoCode)
    }
}

/// Why an address cannot be listened on.
public struct ListeningError: Error, CustomStringConvertible {
    public let host: String
    public let port: Int
    /// The system's error number.
    public let code: CInt

    public var description: String {
        switch code {
        case EADDRINUSE: "Another program listens on \(host):\(port) already; choose another --port."
        case EADDRNOTAVAIL: "\(host) is not an address of this machine; see --host."
        case EACCES: "This user may not listen on port \(port); choose a --port from 1024 on."
        default: "\(host):\(port) cannot be listened on: \(String(cString: strerror(code)))."
        }
    }
}
