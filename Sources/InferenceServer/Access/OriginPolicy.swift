import HTTPTypes
import Hummingbird

/// Decides which websites may use the server through the browsers of their visitors.
///
/// Where keys are needed any origin may ask, since the key decides. A server without keys answers only its own pages, programs
/// that are no browsers, and the origins that its operator names: otherwise any page could send images to it, read what it
/// answers and close its models. On a loopback address the name in `Host` is checked as well, because a hostile name server can
/// let its own name stand for 127.0.0.1 (DNS rebinding).
public struct OriginPolicy: Sendable {
    /// Which origins other than the server's own are answered.
    public enum Origins: Hashable, Sendable {
        case any
        /// Origins such as `https://app.example.com`; none for an empty set.
        case named(Set<String>)
    }

    let origins: Origins
    private let checksOrigin: Bool
    private let checksHost: Bool
    private let listeningHost: String

    /// - Parameters:
    ///   - origins: which other origins are answered; by default any where a key is needed, and none otherwise.
    ///   - needsKey: whether requests need a key.
    ///   - listeningHost: the address that the server listens on.
    public init(_ origins: Origins? = nil, needsKey: Bool, listeningHost: String) {
        self.origins = origins ?? (needsKey ? .any : .named([]))
        checksOrigin = !needsKey && self.origins != .any
        checksHost = !needsKey && Self.isLoopback(listeningHost)
        self.listeningHost = listeningHost.lowercased()
    }

    /// Answers pages of all origins.
    static let any = OriginPolicy(.any, needsKey: true, listeningHost: "")

    /// Parses an origin as it stands in `Origin`: a scheme, a host, and a port where it is not the scheme's own.
    public static func origin(_ text: String) -> String? {
        guard let parts = Authority(origin: text.lowercased()), parts.scheme == "http" || parts.scheme == "https" else {
            return nil
        }
        return parts.description
    }

    /// Whether an address or name stands for this machine and no other.
    public static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        if host == "localhost" || host.hasSuffix(".localhost") || host == "::1" { return true }
        return IPAddress(text: host).map { $0.unmapped.bytes.count == 4 && $0.unmapped.bytes[0] == 127 } ?? false
    }

    /// Checks a request for a route that does work or tells something.
    /// - Throws: `ServingError.foreignHost`, `ServingError.foreignOrigin`.
    func check(_ request: Request) throws {
        if checksHost, let text = request.head.authority, !isOwnHost(text) {
            throw ServingError.foreignHost(text)
        }
        guard checksOrigin else { return }
        if let origin = request.headers[.origin] {
            guard allows(origin) || isOwn(origin, request) else { throw ServingError.foreignOrigin(origin) }
        } else if let site = request.headers[.secFetchSite]?.lowercased(), site != "same-origin", site != "none" {
            // A picture's address or a link, for which browsers send no origin; what refers to it is told by most.
            let origin = request.headers[.referer].flatMap { Authority(origin: $0)?.description }
            guard let origin, allows(origin) else { throw ServingError.foreignOrigin(origin ?? site) }
        } else if let referrer = request.headers[.referer], let origin = Authority(origin: referrer)?.description {
            guard allows(origin) || isOwn(origin, request) else { throw ServingError.foreignOrigin(origin) }
        }
    }

    /// Headers that let a page read the answer (CORS); none for origins that are not answered.
    func headers(for request: Request) -> HTTPFields {
        guard let origin = request.headers[.origin] else { return [:] }
        var headers: HTTPFields = [
            .accessControlExposeHeaders: "X-Request-ID, X-Processing-Time, X-Model-Id, Server-Timing, Retry-After"
        ]
        switch origins {
        case .any: headers[.accessControlAllowOrigin] = "*"
        case .named:
            guard allows(origin) else { return [.vary: "Origin"] }
            headers[.accessControlAllowOrigin] = origin
            headers[.vary] = "Origin"
        }
        return headers
    }

    /// Whether an origin is named, or any is answered.
    func allows(_ origin: String) -> Bool {
        switch origins {
        case .any: true
        case .named(let names): Self.origin(origin).map(names.contains) ?? false
        }
    }

    /// Whether a page comes from this server: host and port are those that it was asked by. The scheme is not compared, since a
    /// proxy before the server may speak another.
    private func isOwn(_ origin: String, _ request: Request) -> Bool {
        guard let authority = request.head.authority, let page = Authority(origin: origin),
            let own = Authority(scheme: page.scheme, hostAndPort: authority.lowercased())
        else { return false }
        return page.host == own.host && page.port == own.port
    }

    private func isOwnHost(_ text: String) -> Bool {
        guard let authority = Authority(scheme: "http", hostAndPort: text.lowercased()) else { return false }
        return Self.isLoopback(authority.host) || authority.host == listeningHost
    }
}

/// Scheme, host and port of an origin.
private struct Authority: CustomStringConvertible {
    let scheme: String
    /// A name or an address, without brackets.
    let host: String
    let port: Int

    /// Reads `scheme://host:port`; what follows, as in an address, is left out.
    init?(origin text: String) {
        guard let separator = text.firstRange(of: "://") else { return nil }
        let rest = text[separator.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        self.init(scheme: String(text[..<separator.lowerBound]).lowercased(), hostAndPort: rest.lowercased())
    }

    init?(scheme: String, hostAndPort text: String) {
        guard !text.isEmpty, text.utf8.count <= 300, !text.contains("@") else { return nil }
        var (host, port) = (text[...], scheme == "https" ? 443 : 80)
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            guard let number = Int(text[text.index(after: colon)...]), (0...65_535).contains(number) else { return nil }
            (host, port) = (text[..<colon], number)
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        if host.hasSuffix(".") { host = host.dropLast() }
        guard !host.isEmpty else { return nil }
        self.scheme = scheme
        self.host = String(host)
        self.port = port
    }

    var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (scheme == "https" ? 443 : 80) ? "\(scheme)://\(name)" : "\(scheme)://\(name):\(port)"
    }
}
