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
            namedHosts = Set(names.compactMap { Authority(addressed: $0)?.host })
        } else {
            namedHosts = []
        }
    }

    /// Answers pages of all origins.
    static let any = OriginPolicy(.any, needsKey: true, listeningHost: "")

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
            let origin = request.headers[.referer].flatMap { Authority(addressed: $0)?.description }
            guard let origin, allows(origin) else { throw RequestError.foreignOrigin(origin) }
        } else if let referrer = request.headers[.referer], let origin = Authority(addressed: referrer)?.description {
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
        case .named(let names): (try? Self.origin(origin)).map(names.contains) ?? false
        }
    }

    /// Whether a page comes from this server: host and port are those that it was asked by, or both are names of this machine. The
    /// scheme is not compared, since a proxy in front of the server may speak another.
    private func isOwn(_ origin: String, _ request: Request) -> Bool {
        guard let authority = request.head.authority, let page = Authority(addressed: origin),
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
