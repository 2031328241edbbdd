import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import TestSupport
import Testing

@testable import HTTPServer

/// Which pages and names a server answers.
@Suite struct OriginTests {
    private func request(_ headers: HTTPFields, host: String? = "127.0.0.1:9001") -> Request {
        Request(
            head: HTTPRequest(method: .post, scheme: nil, authority: host, path: "/m/1", headerFields: headers),
            body: RequestBody(buffer: ByteBuffer()))
    }

    private func isAccepted(_ policy: OriginPolicy, _ headers: HTTPFields, host: String? = "127.0.0.1:9001") -> Bool {
        (try? policy.check(request(headers, host: host))) != nil
    }

    private let open = OriginPolicy(needsKey: false, listeningHost: "127.0.0.1")

    @Test func programsAndOwnPagesMayUseAnOpenServer() {
        for headers in [
            [:], [.origin: "http://127.0.0.1:9001"], [.origin: "https://127.0.0.1:9001"],
            [.secFetchSite: "same-origin"], [.secFetchSite: "none"],
            [.origin: "http://localhost:9001"], [.origin: "http://[::1]:9001"],
            [.referer: "http://127.0.0.1:9001/"], [.origin: "HTTP://127.0.0.1:9001", .secFetchSite: "same-origin"],
        ] as [HTTPFields] {
            #expect(isAccepted(open, headers), "\(headers)")
        }
    }

    @Test func pagesOfOtherOriginsMayNotUseAnOpenServer() {
        for headers in [
            [.origin: "https://evil.example"], [.origin: "null"], [.origin: "file://"], [.origin: "x://127.0.0.1:9001"],
            [.origin: ""],
            [.origin: "http://127.0.0.1"], [.origin: "http://127.0.0.1:9002"], [.origin: "http://localhost:9002"],
            [.origin: "http://127.0.0.1:9001.evil.example"], [.origin: "http://evil.example#http://127.0.0.1:9001"],
            [.origin: "http://evil@127.0.0.1:9001"], [.origin: "http://127.0.0.1:9001@evil.example"],
            [.secFetchSite: "cross-site"], [.secFetchSite: "same-site"], [.secFetchSite: "Cross-Site"],
            [.secFetchSite: "cross-site", .referer: "http://127.0.0.1:9001/"],
            [.referer: "https://evil.example/page"], [.origin: "https://evil.example", .secFetchSite: "same-origin"],
        ] as [HTTPFields] {
            #expect(!isAccepted(open, headers), "\(headers)")
        }
    }

    @Test func onLoopbackOnlyNamesOfThisMachineAreAnswered() {
        for host in [
            "127.0.0.1:9001", "127.0.0.1", "localhost", "LocalHost:9001", "localhost:", "localhost.:9001",
            "a.localhost:1",
            "[::1]:9001",
            "127.8.9.1:9001", "127.1:9001", "[::ffff:127.0.0.1]:9001", "[0:0:0:0:0:0:0:1]", nil,
        ] {
            #expect(isAccepted(open, [:], host: host), "\(host ?? "none")")
        }
        for host in [
            "evil.example", "evil.example:9001", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.7", "",
            "evil.com/.localhost", "evil.com#.localhost", "evil.com\\.localhost", "evil com.localhost", "127.0.0.1:x",
            "[::2]", "127.1.evil", "127.0.0.1:9001:9001", "a@127.0.0.1",
        ] {
            #expect(!isAccepted(open, [:], host: host), "\(host)")
        }
        let named = OriginPolicy(needsKey: false, listeningHost: "127.0.0.2")
        #expect(isAccepted(named, [:], host: "127.0.0.2:9001"))
        let proxied = OriginPolicy(
            .named(["https://vision.example.com"]), needsKey: false, listeningHost: "127.0.0.1")
        #expect(isAccepted(proxied, [.origin: "https://vision.example.com"], host: "vision.example.com"))
        #expect(!isAccepted(proxied, [:], host: "other.example.com"))
    }

    @Test func onOtherAddressesNamesOfPublicDNSAreNotAnswered() {
        let policy = OriginPolicy(needsKey: false, listeningHost: "0.0.0.0")
        for host in [
            "192.168.0.7:9001", "[fd00::7]:9001", "box", "box.local", "host.docker.internal:9001", "localhost",
        ] {
            #expect(isAccepted(policy, [:], host: host), "\(host)")
            #expect(isAccepted(policy, [.origin: "http://\(host)"], host: host), "\(host)")
            #expect(!isAccepted(policy, [.origin: "https://evil.example"], host: host))
        }
        for host in ["evil.example:9001", "192.168.0.7.evil.example", "local.evil.example"] {
            #expect(!isAccepted(policy, [.origin: "http://\(host)"], host: host), "\(host)")
        }
    }

    @Test func aGetThatChangesStateIsRefusedToBrowsersThatDoNotSayWhereItComesFrom() {
        let browser: HTTPFields = [.userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15"]
        #expect(throws: RequestError.self) { try open.check(request(browser), changesState: true) }
        #expect(throws: Never.self) { try open.check(request(browser)) }
        #expect(throws: Never.self) {
            try open.check(request([.userAgent: "python-requests/2.32"]), changesState: true)
        }
        var typed = browser
        typed[.secFetchSite] = "none"
        #expect(throws: Never.self) { try open.check(request(typed), changesState: true) }
    }

    @Test func whereAKeyIsNeededTheKeyDecides() {
        let policy = OriginPolicy(needsKey: true, listeningHost: "127.0.0.1")
        for headers in [
            [.origin: "https://app.example"], [.origin: "null"], [.secFetchSite: "cross-site"],
        ] as [HTTPFields] {
            #expect(isAccepted(policy, headers, host: "proxy.example"))
        }
        #expect(policy.headers(for: request([.origin: "https://app.example"]))[.accessControlAllowOrigin] == "*")
        #expect(policy.headers(for: request([:])).isEmpty)
    }

    @Test func namedOriginsAreAnsweredAndNoOthers() throws {
        let app = try OriginPolicy.origin("https://App.example:443")
        #expect(app == "https://app.example")
        let policy = OriginPolicy(.named([app]), needsKey: false, listeningHost: "127.0.0.1")
        #expect(isAccepted(policy, [.origin: "https://app.example", .secFetchSite: "cross-site"]))
        #expect(isAccepted(policy, [.referer: "https://app.example/page", .secFetchSite: "cross-site"]))
        for origin in [
            "http://app.example", "https://app.example:444", "https://app.example.evil", "https://x.app.example",
        ] {
            #expect(!isAccepted(policy, [.origin: origin]), "\(origin)")
        }
        let named = policy.headers(for: request([.origin: "https://app.example"]))
        #expect(named[.accessControlAllowOrigin] == "https://app.example" && named[.vary] == "Origin")
        let other = policy.headers(for: request([.origin: "https://evil.example"]))
        #expect(other[.accessControlAllowOrigin] == nil && other[.vary] == "Origin")
        let anyone = OriginPolicy(.any, needsKey: false, listeningHost: "127.0.0.1")
        #expect(isAccepted(anyone, [.origin: "https://evil.example"]))
        #expect(isAccepted(anyone, [:], host: "proxy.example"))
        #expect(named[.accessControlExposeHeaders] != nil)
        #expect(policy.headers(for: request([:]))[.vary] == "Origin")
    }

    @Test func originsAreReadAsBrowsersSendThem() throws {
        for (text, origin) in [
            ("capacitor://localhost", "capacitor://localhost"), (" https://a ", "https://a"),
            ("HTTP://A.Example:80", "http://a.example"), ("http://a:8080", "http://a:8080"),
            ("https://10.0.0.1:8443", "https://10.0.0.1:8443"), ("https://xn--bcher-kva.example", nil),
        ] as [(String, String?)] {
            #expect(try OriginPolicy.origin(text) == origin ?? text)
        }
        #expect(try OriginPolicy.origin("http://[::1]:9001") == OriginPolicy.origin("http://[0:0:0:0:0:0:0:1]:9001"))
    }

    @Test func whatIsNotAnOriginIsRefusedWithTheReason() {
        for (text, reason) in [
            ("", "scheme"), ("app.example", "scheme"), ("://app.example", "scheme"), ("1a://b", "scheme"),
            ("https:/a", "scheme"), ("null", "scheme"), ("https://", "host"), ("https://a:99999", "port"),
            ("https://a:+80", "port"), ("https://a:", "port"), ("https://a:0", "port"), ("https://a:80:80", "host"),
            ("https://a@b", "user name"), ("https://u:p@b:443", "user name"), ("https://*.a.example", "wildcard"),
            ("https://a/", "path"), ("https://a/path", "'/path'"), ("https://a:443/path?q#f", "path"),
            ("https://a?q", "query"), ("https://a#f", "fragment"), ("https://a\\b", "path"),
            ("https://a b", "host"), ("https://a,https://b", "comma"), ("https://a%20", "host"),
            ("https://a\0", "host"),
            ("https://a..b", "host"), ("https://.", "host"), ("https://bücher.example", "ASCII"),
            ("https://::1", "host"), ("https://fe80::1:443", "host"), ("https://[::1", "host"), ("https://[a]", "host"),
            ("https://[::1]x", "host"), ("https://a\u{301}", "ASCII"), ("https://a;b", "host"),
        ] {
            #expect { try OriginPolicy.origin(text) } throws: { error in
                guard let found = error as? InvalidOrigin else { return false }
                return found.reason.contains(reason)
            }
        }
    }

    // MARK: Through the server

    @Test func anotherWebsiteNeitherPredictsNorClears() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            let foreign: [HTTPFields] = [
                [.origin: "https://evil.example"], [.secFetchSite: "cross-site"], [.referer: "https://evil.example/"],
            ]
            for headers in foreign {
                for (path, method) in [
                    ("/m/1", .post), ("/m/1?image=http://x/y.jpg", .get), ("/clear_cache", .get), ("/start/m/1", .get),
                    ("/model/clear", .post), ("/model/registry", .get), ("/info", .get), ("/metrics", .get),
                    ("/infer/instance_segmentation", .post), ("/ws", .get), ("/nothing/here/at/all", .get),
                ] as [(String, HTTPRequest.Method)] {
                    let answer = try await client.execute(
                        uri: path, method: method, headers: headers, body: TestServer.base64)
                    #expect(answer.status == .forbidden, "\(path) \(headers)")
                    #expect(answer.headers[.accessControlAllowOrigin] == nil)
                    #expect(String(buffer: answer.body).contains("--cors ORIGIN"))
                }
            }
            let preflight = try await client.execute(
                uri: "/m/1", method: .options,
                headers: [.origin: "https://evil.example", .accessControlRequestMethod: "POST"], body: nil)
            #expect(preflight.status == .forbidden && preflight.headers[.accessControlAllowMethods] == nil)
            for path in ["/", "/healthz", "/readiness", "/roboflow.js"] {
                let answer = try await client.execute(
                    uri: path, method: .get, headers: [.secFetchSite: "cross-site"], body: nil)
                #expect(answer.status == .ok)
            }
            let own = try await client.execute(uri: "/clear_cache", method: .get, body: nil)
            #expect(own.status == .ok)
        }
    }

    @Test func anOpenServerAnswersTheOriginsThatItsOperatorNames() async throws {
        let application = try await TestServer.application(origins: .named(["https://app.example"]))
        try await TestServer.whenReady(application) { client in
            let headers: HTTPFields = [.origin: "https://app.example", .accessControlRequestMethod: "POST"]
            let preflight = try await client.execute(uri: "/m/1", method: .options, headers: headers, body: nil)
            #expect(preflight.status == .noContent)
            #expect(preflight.headers[.accessControlAllowMethods] == "GET, POST, OPTIONS")
            #expect(preflight.headers[.accessControlAllowOrigin] == "https://app.example")
            let answer = try await client.execute(
                uri: "/m/1", method: .post, headers: [.origin: "https://app.example"], body: TestServer.base64)
            #expect(answer.status == .ok)
            #expect(answer.headers[.accessControlAllowOrigin] == "https://app.example")
        }
    }
}
