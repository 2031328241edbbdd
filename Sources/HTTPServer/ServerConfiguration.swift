public import InstanceSegmentation
public import Serving

/// Every setting of the server with its default.
public struct ServerConfiguration: Sendable {
    public var host: String
    public var port: Int
    /// Maximum size of a request body in bytes, as it is sent.
    public var maxBodySize: Int
    /// Bounds of what requests may cost.
    public var limits: ServiceLimits
    /// Bounds of connections.
    public var connections: ConnectionLimits
    /// Which addresses of `image=` may be fetched.
    public var fetchPolicy: AddressPolicy
    /// Origins whose pages may use the server; by default any where a key is needed, and none otherwise.
    public var origins: OriginPolicy.Origins?
    /// An address of its own for `/metrics`; by default it is served with everything else.
    public var metricsAddress: ListeningAddress?
    /// How long requests in flight are waited for when the server is told to stop.
    public var shutdownTimeout: Duration
    /// Models that are loaded before the server is ready.
    public var preload: [ModelID]
    /// Whether changes in the folder of models are noticed.
    public var watchesModels: Bool
    /// Where there is one, the server speaks HTTPS, HTTP/2 included, and nothing else.
    public var certificate: CertificateFiles?
    /// The program's version, for `/info`.
    public var version: String

    /// `http` or `https`.
    public var scheme: String { certificate == nil ? "http" : "https" }

    public init(
        host: String = "127.0.0.1", port: Int = 9001, maxBodySize: Int = 32 << 20,
        limits: ServiceLimits, connections: ConnectionLimits = ConnectionLimits(),
        fetchPolicy: AddressPolicy = AddressPolicy(), origins: OriginPolicy.Origins? = nil,
        metricsAddress: ListeningAddress? = nil, shutdownTimeout: Duration = .seconds(30), preload: [ModelID] = [],
        watchesModels: Bool = false, certificate: CertificateFiles? = nil, version: String = "0.1.0"
    ) {
        self.host = host
        self.port = port
        self.maxBodySize = maxBodySize
        self.limits = limits
        self.connections = connections
        self.fetchPolicy = fetchPolicy
        self.origins = origins
        self.metricsAddress = metricsAddress
        self.shutdownTimeout = shutdownTimeout
        self.preload = preload
        self.watchesModels = watchesModels
        self.certificate = certificate
        self.version = version
    }
}

/// A host and a port to listen on.
public struct ListeningAddress: Hashable, Sendable, CustomStringConvertible {
    public let host: String
    public let port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Parses `HOST:PORT`, with IPv6 addresses in brackets; `nil` for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }) else {
            return nil
        }
        self.init(host: String(host), port: port)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
