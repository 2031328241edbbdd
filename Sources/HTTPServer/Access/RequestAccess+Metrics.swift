import HTTPTypes
import Hummingbird
import NIOCore
import Serving

extension RequestAccess {
    /// Checks that a request may read the metrics: any program of this machine may, others need the scope `metrics`.
    /// - Parameter peer: the address of the client.
    /// - Throws: `ServiceError.unauthorized`, `ServiceError.missingScope`, `ServiceError.keyStoreBusy`.
    func requireMetrics(_ request: Request, peer: SocketAddress?, _ context: ServerContext) async throws {
        if request.isOfThisMachine(peer: peer) { return }
        guard try await grantBeforeBody(request, context, anyOf: [.metrics]) != nil else {
            throw ServiceError.unauthorized
        }
    }
}

extension Request {
    /// Headers that tell of a client behind the peer: of proxies, and of browsers that send a request for a page.
    private static let headersOfOthers = [
        "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "origin", "referer",
    ].compactMap { HTTPField.Name($0) }

    /// Whether the request comes from a program of this machine, rather than from a proxy or a website by way of it.
    /// - Parameter peer: the address of the other end of the connection.
    func isOfThisMachine(peer: SocketAddress?) -> Bool {
        switch peer {
        case .unixDomainSocket: break
        case .v4, .v6:
            guard let address = peer.flatMap(IPAddress.init), OriginPolicy.isLoopback(address.description) else {
                return false
            }
        case nil: return false
        }
        // Another name in `Host` may be a page's own, which its DNS server points here (DNS rebinding).
        guard head.authority.map(OriginPolicy.namesLoopback) ?? true else { return false }
        let site = headers[.secFetchSite]?.lowercased() ?? "none"
        return (site == "none" || site == "same-origin") && !Self.headersOfOthers.contains { headers[$0] != nil }
    }
}
