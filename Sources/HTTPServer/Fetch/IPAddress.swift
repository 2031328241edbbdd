/// An IP address by its bytes.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 of them, most significant first.
    public let bytes: [UInt8]

    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Whether the address is one of the public internet.
    ///
    /// Refused are the blocks of IANA's registries of special-purpose addresses for IPv4 and IPv6 (as of October 2025),
    /// groups, and everything outside of the IPv6 block for global unicast. An IPv4-mapped address is judged by its IPv4
    /// address, because the system reaches that directly. Every other form with an IPv4 address in it is refused, even
    /// with a public one, because the router that unpacks it may stand in a private network. This includes NAT64
    /// (`64:ff9b::/96`): on a host without IPv4, `--allow-fetch 64:ff9b::/96` allows it.
    public var isGlobal: Bool {
        if bytes.count == 4 { return !Self.specialV4.contains { $0.contains(self) } }
        if let embedded = embeddedV4 { return embedded.isGlobal }
        return Self.globalUnicast.contains { $0.contains(self) } && !isTunneled
            && !Self.specialV6.contains { $0.contains(self) }
    }

    /// Whether a router unpacks the address to an IPv4 address: ISATAP, `…:0:5efe:a.b.c.d` in any network (RFC 5214).
    private var isTunneled: Bool {
        bytes.count == 16 && bytes[8] & 0xFC == 0 && bytes[9...11].elementsEqual([0, 0x5E, 0xFE])
    }

    /// The IPv4 address in an IPv4-mapped address.
    private var embeddedV4: IPAddress? {
        guard bytes.count == 16, bytes.starts(with: Self.mapped) else { return nil }
        return IPAddress(bytes: Array(bytes[12...]))
    }

    /// An address without its IPv4-mapped wrapping, so that a rule for IPv4 holds for both ways to write it.
    var unmapped: IPAddress {
        bytes.starts(with: Self.mapped) ? IPAddress(bytes: Array(bytes[12...])) ?? self : self
    }

    private static let mapped: [UInt8] = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]

    /// Special-purpose blocks of IPv4, the globally reachable ones (AS112, AMT) too, and multicast.
    private static let specialV4 = networks([
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    ])

    /// The block that global unicast addresses are allocated from. Outside of it are, among others, `::/96`,
    /// IPv4-translated addresses (`::ffff:0:0:0/96`, RFC 2765), the prefixes of NAT64 (`64:ff9b::/96` and `64:ff9b:1::/48`), discard
    /// prefixes (`100::/64`), segment routing (`5f00::/16`), and unique, link and site local addresses.
    private static let globalUnicast = networks(["2000::/3"])

    /// Special-purpose blocks of IPv6 within it: those for protocols (with Teredo and ORCHID), documentation, 6to4, AS112.
    private static let specialV6 = networks([
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    ])

    private static func networks(_ texts: [String]) -> [IPNetwork] {
        texts.map { text in
            guard let network = IPNetwork(text) else { preconditionFailure("\(text) is not a network") }
            return network
        }
    }

    /// The usual notation of IPv4, and the eight groups of IPv6 without an abbreviation.
    public var description: String {
        bytes.count == 4
            ? bytes.map(String.init).joined(separator: ".")
            : stride(from: 0, to: 16, by: 2).map { String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16) }
                .joined(separator: ":")
    }
}

/// A block of addresses, such as `10.0.0.0/8`.
public struct IPNetwork: Hashable, Sendable {
    private let prefix: [UInt8]
    private let length: Int

    /// Parses an address, alone or with the length of its prefix.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(text: String(parts[0])) else { return nil }
        let bits = 8 * address.bytes.count
        guard let length = parts.count == 2 ? Int(parts[1]) : bits, (0...bits).contains(length) else { return nil }
        prefix = address.bytes
        self.length = length
    }

    public func contains(_ address: IPAddress) -> Bool {
        guard address.bytes.count == prefix.count else { return false }
        return (0..<length).allSatisfy { bit in
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            return address.bytes[bit / 8] & mask == prefix[bit / 8] & mask
        }
    }
}
