import Foundation
import TestSupport
import Testing

@testable import HTTPServer

/// Addresses at random: which are public, however an IPv4 address is written into an IPv6 one.
@Suite struct SpecialAddressTests {
    /// IANA's special-purpose blocks of IPv4 and multicast: the first address, and the length of the prefix.
    private static let special: [(base: [UInt8], length: Int)] = [
        ([0, 0, 0, 0], 8), ([10, 0, 0, 0], 8), ([100, 64, 0, 0], 10), ([127, 0, 0, 0], 8), ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12), ([192, 0, 0, 0], 24), ([192, 0, 2, 0], 24), ([192, 31, 196, 0], 24),
        ([192, 52, 193, 0], 24), ([192, 88, 99, 0], 24), ([192, 168, 0, 0], 16), ([192, 175, 48, 0], 24),
        ([198, 18, 0, 0], 15), ([198, 51, 100, 0], 24), ([203, 0, 113, 0], 24), ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
    ]

    private static func value(_ bytes: [UInt8]) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
    private static func bytes(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    /// The first, the last, and random addresses of a block.
    private static func addresses(_ base: [UInt8], _ length: Int, _ random: inout SeededRandom) -> [[UInt8]] {
        let host = UInt32.max >> UInt32(length)
        let inside = [0, host] + (0..<20).map { _ in UInt32.random(in: 0...host, using: &random) }
        return inside.map { bytes(value(base) | $0) }
    }

    private static func noise(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// An IPv6 address that an IPv4 address is written into.
    private struct Form {
        let name: String
        let bytes: [UInt8]
        /// Whether the address is judged by the IPv4 address.
        var isDirect = false
    }

    private static func forms(_ v4: [UInt8], _ random: inout SeededRandom) -> [Form] {
        let zeros = [UInt8](repeating: 0, count: 12)
        var forms = [
            Form(name: "IPv4-mapped", bytes: zeros.prefix(10) + [0xFF, 0xFF] + v4, isDirect: true),
            Form(name: "IPv4-compatible", bytes: zeros + v4),
            Form(name: "IPv4-translated", bytes: zeros.prefix(8) + [0xFF, 0xFF, 0, 0] + v4),
            Form(name: "6to4", bytes: [0x20, 0x02] + v4 + noise(10, &random)),
            Form(name: "NAT64", bytes: [0, 0x64, 0xFF, 0x9B] + zeros.prefix(8) + v4),
            Form(name: "local NAT64", bytes: [0, 0x64, 0xFF, 0x9B, 0, 1] + noise(6, &random) + v4),
            Form(name: "Teredo", bytes: [0x20, 0x01, 0, 0] + noise(8, &random) + v4.map { $0 ^ 0xFF }),
            Form(name: "Teredo server", bytes: [0x20, 0x01, 0, 0] + v4 + noise(8, &random)),
        ]
        let networks: [[UInt8]] = [
            [0x20 | UInt8.random(in: 0...15, using: &random)] + noise(7, &random),
            [0x26, 0x06, 0x47, 0] + noise(4, &random),
            [0xFE, 0x80] + zeros.prefix(6), Array(zeros.prefix(8)),
        ]
        for network in networks {
            for flags in UInt8(0)...3 {
                forms.append(Form(name: "ISATAP", bytes: network + [flags, 0, 0x5E, 0xFE] + v4))
            }
        }
        return forms
    }

    private func isAllowed(_ bytes: [UInt8]) throws -> Bool {
        let address = try #require(IPAddress(bytes: bytes))
        #expect(IPAddress(text: address.description) == address)
        return AddressPolicy().allows(host: "h", port: 80, addresses: [address])
    }

    @Test(arguments: [UInt64.random(in: 0...UInt64.max), 7])
    func specialAddressesAreRefusedInEveryForm(seed: UInt64) throws {
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        for (base, length) in Self.special {
            for v4 in Self.addresses(base, length, &random) {
                #expect(try !isAllowed(v4), "\(v4)")
                for form in Self.forms(v4, &random) {
                    #expect(try !isAllowed(form.bytes), "\(form) of \(v4), seed \(seed)")
                }
            }
        }
    }

    @Test(arguments: [UInt64.random(in: 0...UInt64.max), 7])
    func ordinaryAddressesAreAllowed(seed: UInt64) throws {
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        for _ in 0..<2000 {
            let v4 = Self.noise(4, &random)
            let isSpecial = Self.special.contains { base, length in
                (Self.value(base) ^ Self.value(v4)) >> UInt32(32 - length) == 0
            }
            #expect(try isAllowed(v4) == !isSpecial, "\(v4), seed \(seed)")
            for form in Self.forms(v4, &random) {
                #expect(try isAllowed(form.bytes) == (form.isDirect && !isSpecial), "\(form) of \(v4), seed \(seed)")
            }
            // Allocations of the five registries.
            for prefix in [[0x24, 0x08], [0x26, 0x06], [0x28, 0x00], [0x2A, 0x00], [0x2C, 0x0F]] as [[UInt8]] {
                var v6 = prefix + Self.noise(14, &random)
                v6[10] = 0x12  // not ISATAP
                #expect(try isAllowed(v6), "\(v6), seed \(seed)")
            }
        }
    }

    @Test func whatIsNotAllocatedIsRefused() throws {
        for text in [
            "4000::1", "8000::1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "100::1", "5f00::1",
            "2001:db8::1", "2001:1ff:ffff::1", "2620:4f:8000::1", "3fff::1", "::2", "64:ff9c::1",
        ] {
            let address = try #require(IPAddress(text: text))
            #expect(!address.isGlobal, "\(text)")
        }
        for text in ["2001:200::1", "2001:4860:4860::8888", "2620:4f:8001::1", "3ffe::1", "2003::1"] {
            let address = try #require(IPAddress(text: text))
            #expect(address.isGlobal, "\(text)")
        }
    }

    @Test func theOperatorMayAllowAnyForm() throws {
        for (rule, text) in [
            ("2002::/16", "2002:7f00:1::1"), ("64:ff9b::/96", "64:ff9b::10.0.0.1"),
            ("64:ff9b::/96", "64:ff9b::8.8.8.8"),
            ("fe80::/10", "fe80::5efe:10.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1"), ("::ffff:0:0/96", "::ffff:10.0.0.1"),
        ] {
            let policy = AddressPolicy(rules: [try #require(AddressPolicy.Rule(rule))])
            let address = try #require(IPAddress(text: text))
            #expect(policy.allows(host: "h", port: 80, addresses: [address]), "\(rule)")
            #expect(!AddressPolicy().allows(host: "h", port: 80, addresses: [address]), "\(text)")
        }
    }
}
