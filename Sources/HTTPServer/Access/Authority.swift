/// Scheme, host and port of an origin.
struct Authority: CustomStringConvertible {
    let scheme: String
    /// A name or an address, without brackets.
    let host: String
    let port: Int

    /// Reads `scheme://host:port` at the beginning of an address, and leaves out what follows.
    init?(addressed text: String) {
        guard let separator = text.firstRange(of: "://") else { return nil }
        let rest = text[separator.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        self.init(scheme: String(text[..<separator.lowerBound]).lowercased(), hostAndPort: rest.lowercased())
    }

    /// Reads `host:port` as it stands in `Host`, in lower case.
    init?(scheme: String, hostAndPort text: String) {
        guard !text.isEmpty, text.utf8.count <= 300, !text.contains("@") else { return nil }
        var (host, port) = (text[...], scheme == "https" ? 443 : 80)
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            let digits = text[text.index(after: colon)...]
            guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = digits.isEmpty ? port : Int(digits), (0...65_535).contains(number)
            else { return nil }
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

    /// The origin, without a port that is the scheme's own and with all groups of an IPv6 address, so that origins can be compared.
    var description: String {
        let name = host.contains(":") ? "[\(IPAddress(text: host)?.description ?? host)]" : host
        return port == (scheme == "https" ? 443 : 80) ? "\(scheme)://\(name)" : "\(scheme)://\(name):\(port)"
    }
}
