import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import ImageCodecs
import Imaging
import Logging
import NIOCore
import Serving
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct AddressPolicyTests {
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text: text)) }

    @Test(arguments: [
        "8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "100.128.0.1", "2606:4700::1111",
        "::ffff:8.8.8.8", "2606:4700::5eff:808:808", "2606:4700:0:0:1111:5efe:808:808",
    ])
    func publicAddressesAreAllowed(text: String) throws {
        #expect(try address(text).isGlobal)
        #expect(AddressPolicy().allows(host: "h", port: 80, addresses: [try address(text)]))
    }

    @Test(arguments: [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1", "192.0.2.1", "198.18.0.1", "203.0.113.5", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::",
        "::1",
        "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "2001::1", "fc00::1",
        "fd12::1", "fe80::1", "fec0::1", "100:0:0:1::1", "ff02::1", "::7f00:1",
        // ISATAP with loopback, private and public addresses, local and universal; IPv4-translated addresses.
        "fe80::5efe:127.0.0.1", "2001:470::5efe:10.0.0.1", "2606:4700::200:5efe:7f00:1", "::5efe:127.0.0.1",
        "2606:4700::5efe:8.8.8.8", "2606:4700:0:1:100:5efe:169.254.169.254", "::ffff:0:127.0.0.1", "::ffff:0:a9fe:a9fe",
        "::ffff:0:8.8.8.8",
    ])
    func everythingElseIsRefused(text: String) throws {
        let special = try address(text)
        #expect(!special.isGlobal)
        let both = [try address("8.8.8.8"), try address(text)]
        #expect(!AddressPolicy().allows(host: "h", port: 80, addresses: both))
    }

    @Test func theOperatorAllowsNetworksAndHosts() throws {
        let policy = AddressPolicy(
            rules: Set(
                ["10.0.0.0/8", "camera.local", "127.0.0.1:8000", "[::1]:9000"].compactMap(AddressPolicy.Rule.init)))
        #expect(policy.rules.count == 4)
        #expect(policy.allows(host: "x", port: 1, addresses: [try address("10.200.0.1")]))
        #expect(policy.allows(host: "x", port: 1, addresses: [try address("::ffff:10.200.0.1")]))
        #expect(policy.allows(host: "Camera.local", port: 1, addresses: [try address("192.168.0.9")]))
        #expect(policy.allows(host: "127.0.0.1", port: 8000, addresses: [try address("127.0.0.1")]))
        #expect(policy.allows(host: "::1", port: 9000, addresses: [try address("::1")]))
        let loopback = try address("127.0.0.1")
        #expect(!policy.allows(host: "127.0.0.1", port: 8001, addresses: [loopback]))
        let mixed = [try address("10.0.0.1"), try address("192.168.0.1")]
        #expect(!policy.allows(host: "x", port: 1, addresses: mixed))
        #expect(!policy.allows(host: "x", port: 1, addresses: []))
        for wrong in ["", "10.0.0.0/33", "a/b", "host:0", "host:x", ":80", "fe80::/200", "*", "*:80", "*.local", "a b"]
        {
            #expect(AddressPolicy.Rule(wrong) == nil, "\(wrong)")
        }
    }

    @Test(arguments: [
        "ftp://h/a.jpg", "file:///etc/passwd", "http://", "http:///a", "http://user:pw@h/", "http://user@h/",
        "http://h\\@x/",
        "http://h:0/", "http://h:99999/", "http://h/a\nb", "//h/a", "h/a.jpg", "", "http://h:80:90/", "gopher://h/",
    ])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(FetchURL(text) == nil)
    }

    @Test func addressesKeepTheirEscapes() throws {
        #expect(FetchURL("http://h/a%2Bb.jpg?x=1%262&y=%20")?.text == "http://h/a%2Bb.jpg?x=1%262&y=%20")
        #expect(FetchURL("http://h/a b.jpg")?.text == "http://h/a%20b.jpg")
        #expect(FetchURL("https://h/ü.jpg")?.text == "https://h/%C3%BC.jpg")
        #expect(FetchURL("http://[::1]:8000/a")?.host == "::1")
        let base = try #require(FetchURL("http://h:81/x/y.jpg"))
        #expect(FetchURL("../z.jpg", relativeTo: base)?.text == "http://h:81/z.jpg")
        #expect(FetchURL("//other/z.jpg", relativeTo: base)?.host == "other")
    }
}

/// Against a server on this machine that is allowed by name.
@Suite(.timeLimit(.minutes(2))) struct ImageFetcherTests {
    private static let picture = (try? RasterImage.gradient(width: 30, height: 20).encoded(as: .png)) ?? []

    /// A server of images, redirects and trouble.
    private func withImages(
        _ body: @escaping @Sendable (Int, Seen) async throws -> Void
    ) async throws {
        let seen = Seen()
        let router = Router()
        router.get("/a.png") { request, _ in
            seen.append(request.headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n") + request.uri.string)
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: Self.picture)))
        }
        router.get("/text") { _, _ in "hello" }
        router.get("/missing") { _, _ in Response(status: .notFound) }
        router.get("/large") { _, _ in
            Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(repeating: 0xFF, count: 200_000)))
        }
        router.get("/slow") { _, _ in
            try await Task.sleep(for: .seconds(5))
            return "late"
        }
        router.get("/loop") { _, _ in Response(status: .found, headers: [.location: "/loop"]) }
        router.get("/once") { _, _ in Response(status: .found, headers: [.location: "a.png"]) }
        router.get("/inside") { _, _ in Response(status: .found, headers: [.location: "http://169.254.169.254/latest"])
        }
        router.get("/elsewhere") { _, _ in Response(status: .found, headers: [.location: "http://localhost:1/a.png"]) }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: logger)
        try await application.test(.live) { client in
            try await body(try #require(client.port), seen)
        }
    }

    private func fetcher(_ rules: [String], timeout: Duration = .seconds(10)) -> ImageFetcher {
        ImageFetcher(
            policy: AddressPolicy(rules: Set(rules.compactMap(AddressPolicy.Rule.init))), maxSize: 100_000,
            timeout: timeout)
    }

    private func label(_ body: () async throws -> ByteBuffer) async -> String {
        do {
            _ = try await body()
            return "fetched"
        } catch {
            return ErrorResponse(error).label
        }
    }

    @Test func picturesAreFetchedWhereTheyAreAllowed() async throws {
        try await withImages { port, seen in
            let fetcher = fetcher(["127.0.0.1:\(port)", "localhost:\(port)"])
            for url in [
                "http://127.0.0.1:\(port)/a.png?x=%2B1", "http://localhost:\(port)/a.png",
                "http://127.0.0.1:\(port)/once",
            ] {
                let fetched = try await fetcher.fetch(url)
                #expect(Array(fetched.readableBytesView) == Self.picture)
            }
            #expect(seen.values.count == 3)
            #expect(seen.values[0].contains("?x=%2B1"))
            #expect(seen.values[0].contains("User-Agent: Silhouette"))
            for word in ["cookie", "authorization", "referer"] {
                #expect(!seen.values.joined().lowercased().contains(word + ":"))
            }
        }
    }

    @Test func waitingForMemoryTakesNoTimeOfAFetch() async throws {
        try await withImages { port, _ in
            let asked = Mutex<[Int]>([])
            let fetched = try await fetcher(["127.0.0.1:\(port)"], timeout: .milliseconds(700)).fetch(
                "http://127.0.0.1:\(port)/a.png"
            ) { size in
                asked.withLock { $0.append(size) }
                try await Task.sleep(for: .milliseconds(1500))
            }
            #expect(Array(fetched.readableBytesView) == Self.picture)
            #expect(asked.withLock(\.self) == [Self.picture.count])
        }
    }

    @Test func memoryIsAskedForBeforeBytesAreKept() async throws {
        try await withImages { port, _ in
            await #expect {
                try await fetcher(["127.0.0.1:\(port)"]).fetch("http://127.0.0.1:\(port)/a.png") { _ in
                    throw ServiceError.memoryExhausted(retryAfter: 7)
                }
            } throws: {
                if case .memoryExhausted(retryAfter: 7) = $0 as? ServiceError { true } else { false }
            }
        }
    }

    @Test func troubleIsToldWithoutDetails() async throws {
        try await withImages { port, _ in
            let base = "http://127.0.0.1:\(port)"
            let fetcher = fetcher(["127.0.0.1:\(port)"], timeout: .seconds(2))
            for (path, expected) in [
                ("/missing", "fetch_failed"), ("/loop", "fetch_failed"), ("/large", "fetch_too_large"),
                ("/inside", "forbidden_address"), ("/elsewhere", "forbidden_address"), ("/slow", "fetch_too_slow"),
                ("/text", "fetched"),
            ] {
                #expect(await label { try await fetcher.fetch(base + path) } == expected, "\(path)")
            }
            #expect(await label { try await fetcher.fetch("http://no-such-name.invalid/a.png") } == "fetch_failed")
        }
    }

    @Test func nothingInsideIsReachedByDefault() async throws {
        try await withImages { port, seen in
            let fetcher = fetcher([])
            for host in [
                "127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433", "0x7f.1",
                "0177.0.0.1",
            ] {
                let result = await label { try await fetcher.fetch("http://\(host):\(port)/a.png") }
                #expect(["forbidden_address", "fetch_failed", "invalid_url"].contains(result), "\(host): \(result)")
            }
            #expect(seen.values.isEmpty, "a connection was made")
        }
    }
}

/// What a server was asked, by several tasks at once.
private final class Seen: Sendable {
    private let list = Mutex<[String]>([])
    var values: [String] { list.withLock { $0 } }
    func append(_ text: String) { list.withLock { $0.append(text) } }
}
