import NIOCore

/// The network of a caller that has shown no key: its address, or the first 64 bits of an IPv6 address, which belong to one subscriber.
enum CallerNetwork {
    /// The name of the network, or nil for a connection without an address.
    static func name(of address: SocketAddress?) -> String? {
        guard let address = address.flatMap({ IPAddress($0) })?.unmapped else { return nil }
        return (address.bytes.count == 16 ? "v6 " : "v4 ")
            + address.bytes.prefix(8).map(String.init).joined(separator: ".")
    }
}
