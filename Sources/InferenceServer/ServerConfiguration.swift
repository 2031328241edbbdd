public import Imaging
public import InstanceSegmentation

/// Every setting of the server with its default.
public struct ServerConfiguration: Sendable {
    public var host: String
    public var port: Int
    /// Largest body of a request in bytes, as it is sent.
    public var maxBodySize: Int
    public var imageLimits: ImageLimits
    /// Predictions that may be at work or waiting; the next is answered 429.
    public var maxRequests: Int
    /// Which addresses of `image=` may be fetched.
    public var fetchPolicy: AddressPolicy
    /// Pages of which other origins may use the server; by default of any where a key is needed, and none otherwise.
    public var origins: OriginPolicy.Origins?
    /// How long requests in flight are waited for when the server is told to stop.
    public var shutdownTimeout: Duration
    /// Models that are opened before the server is ready.
    public var preload: [ModelID]
    /// Where there is one, the server speaks HTTPS, HTTP/2 too, and nothing else.
    public var certificate: CertificateFiles?
    /// The program's name and version, for `/info`.
    public var version: String

    /// `http` or `https`.
    public var scheme: String { certificate == nil ? "http" : "https" }

    public init(
        host: String = "127.0.0.1", port: Int = 9001, maxBodySize: Int = 32 << 20,
        imageLimits: ImageLimits = ImageLimits(),
        maxRequests: Int = 64, fetchPolicy: AddressPolicy = AddressPolicy(), origins: OriginPolicy.Origins? = nil,
        shutdownTimeout: Duration = .seconds(30), preload: [ModelID] = [],
        certificate: CertificateFiles? = nil, version: String = "0.1.0"
    ) {
        self.host = host
        self.port = port
        self.maxBodySize = maxBodySize
        self.imageLimits = imageLimits
        self.maxRequests = maxRequests
        self.fetchPolicy = fetchPolicy
        self.origins = origins
        self.shutdownTimeout = shutdownTimeout
        self.preload = preload
        self.certificate = certificate
        self.version = version
    }
}
