import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import NIOPosix
import Serving
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// What goes over the connection where a client library would hide it: bytes in, bytes out.
@Suite(.timeLimit(.minutes(1))) struct ConnectionTests {
    /// Collects what comes until the connection ends.
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let received: Mutex<String>
        init() { received = Mutex("") }
        var text: String { received.withLock { $0 } }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            received.withLock { $0 += text }
        }
    }

    private struct Exchange {
        let answer: String
        let isClosed: Bool
        var status: Int { answer.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0 }
    }

    /// Sends bytes and waits until the connection ends, or for as long as it takes to see that it does not.
    private func exchange(_ client: any TestClientProtocol, _ parts: [String]) async throws -> Exchange {
        let port = try #require(client.port)
        let collector = NIOLoopBoundBox.makeBoxSendingValue(
            Collector(), eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        let channel = try await ClientBootstrap(group: collector.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(collector.value)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        for part in parts {
            try? await channel.writeAndFlush(ByteBuffer(string: part))
            try await Task.sleep(for: .milliseconds(100))
        }
        for _ in 0..<20 where channel.isActive { try await Task.sleep(for: .milliseconds(50)) }
        let text = try await collector.eventLoop.submit { collector.value.text }.get()
        let isClosed = !channel.isActive
        channel.close(promise: nil)
        return Exchange(answer: text, isClosed: isClosed)
    }

    private func request(_ line: String, _ headers: [String] = [], body: String? = nil) -> String {
        let length = body.map { ["Content-Length: \($0.utf8.count)"] } ?? []
        return ([line, "Host: localhost"] + headers + length).joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }

    private let text = String(buffer: TestServer.base64)

    @Test func theConnectionLastsAsTheClientWishes() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            for (version, wish, lasts) in [
                ("1.1", [], true), ("1.1", ["Connection: close"], false), ("1.1", ["Connection: Close"], false),
                ("1.0", [], false), ("1.0", ["Connection: keep-alive"], true),
            ] as [(String, [String], Bool)] {
                let got = try await exchange(client, [request("POST /m/1 HTTP/\(version)", wish, body: text)])
                #expect(got.status == 200 && got.isClosed != lasts, "\(version) \(wish)")
                #expect(
                    got.answer.contains("\"predictions\":[{") && got.answer.lowercased().contains("content-length:"))
                let says = got.answer.lowercased().contains("connection: " + (lasts ? "keep-alive" : "close"))
                #expect(says == (version == "1.0" || !lasts))
            }
        }
    }

    @Test func aClientThatWaitsWithItsBodyIsToldToGoAheadOrRefusedAtOnce() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let key = try store.create(name: "test").secret
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            func waiting(_ target: String, _ length: Int, method: String = "POST", then: [String] = []) async throws
                -> Exchange
            {
                let head = request(
                    "\(method) \(target) HTTP/1.1", ["Expect: 100-continue", "Content-Length: \(length)"])
                return try await exchange(client, [head] + then)
            }
            let allowed = try await waiting("/m/1?api_key=\(key)", text.utf8.count, then: [text])
            #expect(allowed.answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK") && !allowed.isClosed)
            for (target, method, length, status) in [
                ("/m/1?api_key=wrong", "POST", 100, 403), ("/x/1?api_key=\(key)", "POST", 100, 404),
                ("/m/1?api_key=\(key)", "POST", 2 << 20, 413), ("/m/1?api_key=\(key)", "PUT", 100, 405),
            ] {
                let refused = try await waiting(target, length, method: method)
                #expect(refused.status == status && !refused.answer.contains("100 Continue"))
                #expect(refused.isClosed, "what the client sends next could be the body or a request")
            }
        }
    }

    @Test func whatIsNoRequestIsAnsweredInTheShapeOfAllErrors() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            let long = String(repeating: "a", count: 100_000)
            for (bytes, status) in [
                ("hello\r\n\r\n", 400), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
                (request("POST /m/1 HTTP/1.1", ["Content-Length: x"]), 400),
                (request("POST /m/1 HTTP/1.1", ["Content-Length: 5", "Content-Length: 6"]), 400),
                (request("GET /\u{0} HTTP/1.1"), 400), (request("POST /m/1 HTTP/1.1", ["A B: c"]), 400),
                (request("GET /info HTTP/1.1", ["A: " + long]), 431),
                (request("GET /info HTTP/1.1", (0..<2000).map { "X-\($0): y" }), 431),
                (request("GET /info?\(String(repeating: long, count: 12)) HTTP/1.1"), 414),
                ("GET /info HTTP/1.1\r\n\r\n", 400), ("GET /info HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400),
                (request("POST /m/1 HTTP/1.1", ["Host: localhost"], body: text), 400),
                (request("POST /m/1 HTTP/1.1", ["Transfer-Encoding: chunked"]) + "zz\r\n", 400),
            ] {
                let got = try await exchange(client, [bytes])
                #expect(got.status == status, "\(bytes.prefix(60)): \(got.answer.prefix(80))")
                #expect(got.answer.contains("application/json") && got.answer.contains("{\"message\":"))
            }
            let still = try await client.execute(uri: "/m/1", method: .post, body: TestServer.base64)
            #expect(still.status == .ok)
        }
    }

    @Test func onlyTheOldVersionMayOmitTheHost() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            let old = try await exchange(client, ["GET /healthz HTTP/1.0\r\n\r\n"])
            #expect(old.status == 200)
            // The rest of a refused request is dropped, and so are the requests after it.
            let next = request("GET /healthz HTTP/1.1")
            let refused = try await exchange(client, ["GET /healthz HTTP/1.1\r\n\r\n" + next])
            #expect(refused.status == 400 && refused.isClosed && !refused.answer.contains("healthy"))
        }
    }

    @Test func aSmallPictureFitsIntoTheAddress() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            var noise = TestServer.picture
            noise += [UInt8](repeating: 7, count: 150_000)  // bytes behind the end of a PNG are ignored
            let address = Data(noise).base64EncodedString().replacing("+", with: "%2B").replacing("/", with: "%2F")
            let response = try await client.execute(
                uri: "/m/1?image=data:image/png;base64,\(address)", method: .get, body: nil)
            #expect(response.status == .ok)
        }
    }

    @Test func requestsOnOneConnectionAreAnsweredInTheirOrder() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            let both = request("POST /m/1 HTTP/1.1", body: text) + request("GET /healthz HTTP/1.1")
            let got = try await exchange(client, [both])
            let first = try #require(got.answer.range(of: "predictions"))
            let second = try #require(got.answer.range(of: "healthy"))
            #expect(first.lowerBound < second.lowerBound)
        }
    }
}
