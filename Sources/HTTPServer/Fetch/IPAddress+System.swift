import Foundation
import NIOCore

extension IPAddress {
    /// Parses the usual notations of an address: four decimal numbers, or IPv6. `127.1` and `0x7f.1` are rejected.
    public init?(text: String) {
        guard let address = try? SocketAddress(ipAddress: text, port: 0) else { return nil }
        self.init(address)
    }

    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let v4):
            self.init(bytes: withUnsafeBytes(of: v4.address) { Array($0[Self.v4Bytes]) })
        case .v6(let v6):
            self.init(bytes: withUnsafeBytes(of: v6.address) { Array($0[Self.v6Bytes]) })
        case .unixDomainSocket:
            return nil
        }
    }

    /// Where the address stands in a `sockaddr_in` and a `sockaddr_in6`, after the family, the port and, in the latter, the flow.
    private static let v4Bytes = 4..<8
    private static let v6Bytes = 8..<24

    private init?(_ address: UnsafePointer<sockaddr>, _ range: Range<Int>) {
        let bytes = UnsafeRawBufferPointer(start: address, count: range.upperBound)
        self.init(bytes: Array(bytes[range]))
    }

    /// The addresses of a name. Blocks the calling thread.
    static func resolve(_ host: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var next = list
        while let entry = next {
            if let socketAddress = entry.pointee.ai_addr {
                let address: IPAddress? =
                    switch entry.pointee.ai_family {
                    case AF_INET: IPAddress(socketAddress, v4Bytes)
                    case AF_INET6: IPAddress(socketAddress, v6Bytes)
                    default: nil
                    }
                if let address, !found.contains(address) { found.append(address) }
            }
            next = entry.pointee.ai_next
        }
        return found
    }
}
