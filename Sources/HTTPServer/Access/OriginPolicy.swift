import Foundation
import HTTPTypes
import Hummingbird

/// Decides which websites may use the server through the browsers of their visitors.
///
/// Where keys are needed any origin may ask, since the key decides. A server without keys answers its own pages, programs other
/// than browsers, and the origins that its operator names; otherwise any page could send it images, read its answers and unload
/// its models. The name in `Host` is checked as well, because a hostile DNS server can point its own name at this machine (DNS
/// rebinding): the page then counts as one of the server's own.
public struct OriginPolicy: Sendable {
    /// Which origins other than the server's own are answered.
    public enum Origins: Hashable, Sendable {
        case any
        /// Origins such as `https://app.example.com`; none for an empty set.
        case named(Set<String>)
    }

    let origins: Origins
    private let isStrict: Bool
    private let listeningHost: String
    /// The hosts of the named origins: a page that may ask may also be served through a proxy under its own name.
    private let namedHosts: Set<String>

    /// - Parameters:
    ///   - origins: which other origins are answered; by default any where a key is needed, and none otherwise.
    ///   - needsKey: whether requests need a key.
    ///   - listeningHost: the address that the server listens on.
    public init(_ origins: Origins? = nil, needsKey: Bool, listeningHost: String) {
        self.origins = origins ?? (needsKey ? .any : .named([]))
        isStrict = !needsKey && self.origins != .any
        self.listeningHost = listeningHost.lowercased()
        if case .named(let names) = self.origins {
            namedHosts = Set(names.compactMap { Authority(origin: $0)?.host })
        } else {
            namedHosts = []
        }
    }

    /// Answers pages of all origins.
    static let any = OriginPolicy(.any, needsKey: true, listeningHost: "")

    /// Parses an origin as it stands in `Origin`: a scheme, a host, and a port where it is not the scheme's own.
    public static func origin(_ text: String) -> String? {
        guard let parts = Authority(origin: text.lowercased().trimmingCharacters(in: .whitespaces)),
            parts.scheme.wholeMatch(of: /[a-z][a-z0-9+.\-]*/) != nil, !parts.host.contains(where: \.isWhitespace)
        else { return nil }
        return parts.description
    }

    /// Whether an address or name stands for this machine and no other.
    public static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        // Short forms such as 127.1, which cannot be names either.
        if host.hasPrefix("127."), host.allSatisfy({ $0 == "." || $0.isASCII && $0.isNumber }) { return true }
        guard let bytes = IPAddress(text: host)?.unmapped.bytes else { return false }
        return bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    /// Checks a request for a route that does work or reveals something.
    /// - Parameter changesState: whether a GET of the route changes something. Browsers send GET for an image's address, and old
    ///   ones may send it without saying where it comes from: it is then refused to all browsers.
    /// - Throws: `RequestError.foreignHost`, `RequestError.foreignOrigin`.
    func check(_ request: Request, changesState: Bool = false) throws {
        guard isStrict else { return }
        if let text = request.head.authority, !isOwnHost(text) { throw RequestError.foreignHost(text) }
        let site = request.headers[.secFetchSite]?.lowercased()
        if let origin = request.headers[.origin] {
            guard allows(origin) || isOwn(origin, request) else { throw RequestError.foreignOrigin(origin) }
        } else if let site, site != "same-origin", site != "none" {
            // An image or a link, for which browsers send no origin; most send the page's address.
            let origin = request.headers[.referer].flatMap { Authority(origin: $0)?.description }
            guard let origin, allows(origin) else { throw RequestError.foreignOrigin(origin) }
        } else if let referrer = request.headers[.referer], let origin = Authority(origin: referrer)?.description {
            guard allows(origin) || isOwn(origin, request) else { throw RequestError.foreignOrigin(origin) }
        } else if changesState, site == nil, let agent = request.headers[.userAgent], agent.hasPrefix("Mozilla/"),
            !agent.contains("PowerShell")
        {
            throw RequestError.foreignOrigin(nil)
        }
    }

    /// Headers that let a page read the answer (CORS); none for origins that are not answered.
    func headers(for request: Request) -> HTTPFields {
        let origin = request.headers[.origin]
        var headers = HTTPFields()
        switch origins {
        case .any:
            guard origin != nil else { return headers }
            headers[.accessControlAllowOrigin] = "*"
        case .named:
            headers[.vary] = "Origin"
            guard let origin, allows(origin) else { return headers }
            headers[.accessControlAllowOrigin] = origin
        }
        headers[.accessControlExposeHeaders] =
            "X-Request-ID, X-Processing-Time, X-Model-Id, Server-Timing, Retry-After"
        return headers
    }

    /// Whether an origin is named, or any is answered.
    func allows(_ origin: String) -> Bool {
        switch origins {
        case .any: true
        case .named(let names): Self.origin(origin).map(names.contains) ?? false
        }
    }

    /// Whether a page comes from this server: host and port are those that it was asked by, or both are names of this machine. The
    /// scheme is not compared, since a proxy in front of the server may speak another.
    private func isOwn(_ origin: String, _ request: Request) -> Bool {
        guard let authority = request.head.authority, let page = Authority(origin: origin),
            ["http", "https"].contains(page.scheme),
            let own = Authority(scheme: page.scheme, hostAndPort: authority.lowercased()), page.port == own.port
        else { return false }
        return page.host == own.host || (Self.isLoopback(page.host) && Self.isLoopback(own.host))
    }

    /// Whether the host of `Host` is a name or an address of loopback.
    static func namesLoopback(_ authority: String) -> Bool {
        Authority(scheme: "http", hostAndPort: authority.lowercased()).map { isLoopback($0.host) } ?? false
    }

    /// Whether no foreign DNS server can have pointed the name here.
    private func isOwnHost(_ text: String) -> Bool {
        guard let host = Authority(scheme: "http", hostAndPort: text.lowercased())?.host else { return false }
        if Self.isLoopback(host) || host == listeningHost || namedHosts.contains(host) { return true }
        if host == Self.machineName || host == Self.machineName + ".local" { return true }
        if Self.isLoopback(listeningHost) { return false }
        // Addresses, and names that exist in private networks only.
        return IPAddress(text: host) != nil || !host.contains(".")
            || [".local", ".internal", ".home.arpa"].contains(where: host.hasSuffix)
    }

    private static let machineName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).lowercased()
    }()
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
            let digits = text[text.index(after: colon)...]
            guard let number = digits.isEmpty ? port : Int(digits), (0...65_535).contains(number) else { return nil }
            (host, port) = (text[..<colon], number)
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        if host.hasSuffix(".") { host = host.dropLast() }
        let isName = host.utf8.allSatisfy { byte in
            byte >= 0x80 || ".:-_%".utf8.contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        }
        guard !host.isEmpty, isName else { return nil }
        self.scheme = scheme
        self.host = String(host)
        self.port = port
    }

    var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (scheme == "https" ? 443 : 80) ? "\(scheme)://\(name)" : "\(scheme)://\(name):\(port)"
    }
}
