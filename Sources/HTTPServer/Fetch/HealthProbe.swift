import AsyncHTTPClient
import Foundation
import InstanceSegmentation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Asks a server whether it is alive or ready, as the health check of a container does.
public struct HealthProbe: Sendable {
    /// What a server is asked, by the path that answers it.
    public enum Question: String, Sendable {
        /// Whether the server answers at all.
        case health = "healthz"
        /// Whether the server answers predictions.
        case readiness
    }

    /// The address that is asked.
    public let url: String
    /// How long the server may take to answer.
    public let timeout: Duration
    private let isLoopback: Bool

    /// - Parameters:
    ///   - server: the address of a server, such as `http://127.0.0.1:9001`, with or without a path before its own.
    ///   - question: what is asked.
    ///   - timeout: how long the server may take to answer.
    /// - Returns: `nil` where `server` is not an `http` or `https` address.
    public init?(server: String, question: Question, timeout: Duration) {
        guard let parsed = FetchURL(server), let components = URLComponents(string: parsed.text),
            components.query == nil, components.fragment == nil
        else { return nil }
        url = parsed.text + (parsed.text.hasSuffix("/") ? "" : "/") + question.rawValue
        isLoopback = OriginPolicy.isLoopback(parsed.host)
        self.timeout = timeout
    }

    /// Asks. Returns where the answer is yes.
    ///
    /// The certificate of a server on a loopback address is not verified, since it is issued for another name.
    /// - Throws: `HealthProbeError`.
    public func run() async throws(HealthProbeError) {
        let limit = TimeAmount.nanoseconds(Int64(min(max(timeout.seconds, 0.001), 3600) * 1e9))
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: limit, read: limit))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        if isLoopback {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.certificateVerification = .none
            configuration.tlsConfiguration = tls
        }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        defer { Task { try? await client.shutdown() } }  // it fails only for a client that is shut down
        let status: UInt
        do {
            status = try await client.execute(HTTPClientRequest(url: url), timeout: limit).status.code
        } catch {
            throw HealthProbeError(url: url, reason: Self.reason(error, seconds: timeout.seconds))
        }
        guard status == 200 else {
            throw HealthProbeError(
                url: url, reason: "answered \(status), which means that it is not ready or not healthy")
        }
    }

    private static func reason(_ error: any Error, seconds: Double) -> String {
        switch error {
        case let error as HTTPClientError
        where [.connectTimeout, .deadlineExceeded, .readTimeout, .tlsHandshakeTimeout].contains(error):
            "did not answer within \(seconds.formatted()) s"
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            "refused the connection; the server is not running, or listens on another port"
        case let error as NIOConnectionError where error.dnsAError != nil && error.connectionErrors.isEmpty:
            "has a host name that cannot be resolved"
        case is NIOConnectionError:
            "refused the connection; the server is not running, or listens on another port"
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            "could not be reached through TLS: \(error)"
        default: "could not be reached: \(error)"
        }
    }
}

/// Why a server is not known to be healthy or ready.
public struct HealthProbeError: Error, CustomStringConvertible {
    /// The address that was asked.
    public let url: String
    /// What happened, to be read after the address.
    public let reason: String

    public var description: String { "\(url) \(reason)." }
}
