/// Bounds on connections: how many there are, and how long each may keep the server waiting.
public struct ConnectionLimits: Sendable {
    /// Maximum number of open connections. Beyond it, the connection without a request in flight for the longest is
    /// evicted; when all connections have requests in flight, new ones are refused.
    public var maxConnections: Int
    /// Time for a complete request head, TLS handshake included: counted from accept, or on a kept connection from the first bytes
    /// that arrive after a request and its response are over. On HTTP/2, time for the handshake, and for each head from its
    /// first frame.
    public var headTimeout: Duration
    /// Time that a connection is kept without a request: after the last one, or on HTTP/2 after the handshake.
    public var idleTimeout: Duration
    /// Time for a whole request body, counted from when the server starts to read it.
    public var bodyTimeout: Duration
    /// Minimum rate of a request body in bytes per second, enforced in each window of `bodyGrace`.
    public var minBodyRate: Int
    /// Length of the windows in which `minBodyRate` is enforced.
    public var bodyGrace: Duration
    /// Length of the windows in which `minWriteRate` is enforced.
    public var writeTimeout: Duration
    /// Minimum rate in bytes per second at which a client must take the response bytes that wait for it.
    public var minWriteRate: Int

    /// Creates limits. Values of zero or less are replaced by the smallest usable ones.
    public init(
        maxConnections: Int = 4096, headTimeout: Duration = .seconds(15), idleTimeout: Duration = .seconds(75),
        bodyTimeout: Duration = .seconds(60), minBodyRate: Int = 1024, bodyGrace: Duration = .seconds(5),
        writeTimeout: Duration = .seconds(30), minWriteRate: Int = 1024
    ) {
        self.maxConnections = max(1, maxConnections)
        self.headTimeout = max(.milliseconds(1), headTimeout)
        self.idleTimeout = max(.milliseconds(1), idleTimeout)
        self.bodyTimeout = max(.milliseconds(1), bodyTimeout)
        self.minBodyRate = max(0, minBodyRate)
        self.bodyGrace = max(.milliseconds(1), bodyGrace)
        self.writeTimeout = max(.milliseconds(1), writeTimeout)
        self.minWriteRate = max(0, minWriteRate)
    }
}

/// The deadline that ended a connection or a request body.
enum ConnectionTimeout: String, CaseIterable, Sendable {
    case head, idle, body, write
}

/// A request body that was not received in time.
struct BodyTimeoutError: Error, CustomStringConvertible {
    /// The whole time for a body.
    let timeout: Duration
    /// The minimum rate in bytes per second.
    let minRate: Int

    var description: String {
        "The request body was not received in time. It must arrive within \(timeout), "
            + "at no less than \(minRate) bytes per second."
    }
}
