/// Which addresses a client may make the server fetch from: public ones, and those that the operator names.
public struct AddressPolicy: Sendable {
    /// What is allowed beyond the public internet.
    public enum Rule: Hashable, Sendable {
        case network(IPNetwork)
        /// A name or address as it stands in the URL, on one port or on all.
        case host(String, port: Int?)

        /// Parses `10.0.0.0/8`, `host`, `host:port` or `[address]:port`; `nil` for anything else, patterns such as
        /// `*.example.com` included.
        public init?(_ text: String) {
            let text = text.lowercased()
            if let network = IPNetwork(text) {
                self = .network(network)
                return
            }
            guard !text.contains("/"), !text.isEmpty else { return nil }
            var (host, port) = (text, Int?.none)
            if let colon = text.lastIndex(of: ":") {
                guard let number = Int(text[text.index(after: colon)...]), (1...65_535).contains(number) else {
                    return nil
                }
                port = number
                host = String(text[..<colon])
            }
            if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            if IPAddress(text: host) != nil {
                self = .host(host, port: port)
                return
            }
            // A pattern would match nothing.
            guard let name = HostName.ascii(host), !name.contains("*") else { return nil }
            self = .host(name, port: port)
        }
    }

    public var rules: Set<Rule>

    public init(rules: Set<Rule> = []) {
        self.rules = rules
    }

    /// Whether a host may be fetched from. *All* of its addresses must be allowed: which one is connected to must not matter.
    func allows(host: String, port: Int, addresses: [IPAddress]) -> Bool {
        guard !addresses.isEmpty else { return false }
        let host = host.lowercased()
        if rules.contains(.host(host, port: nil)) || rules.contains(.host(host, port: port)) { return true }
        return addresses.allSatisfy { address in
            address.isGlobal
                || rules.contains { rule in
                    if case .network(let network) = rule {
                        network.contains(address.unmapped) || network.contains(address)
                    } else {
                        false
                    }
                }
        }
    }
}
