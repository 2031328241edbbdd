import Foundation
import InstanceSegmentation
import NIOCore
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// What keys spend, and the share that each gets.
@Suite(.timeLimit(.minutes(2))) struct ServiceBoundsQuotaTests {
    private let store: KeyStore
    private let secret: String

    init() throws {
        store = try KeyStore(folder: TestFiles.temporaryFolder())
        secret = try store.create(name: "quota", limits: .init(quota: 3)).secret
    }

    private func used() throws -> Int { try #require(try store.keys().first { $0.limits.quota == 3 }).used }

    @Test func aListBeyondTheQuotaSpendsNothing() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1), access: .keys(store)) { server in
            let query = "?api_key=\(secret)"
            let refused = try await server.post(images: 4, query: query)
            #expect(refused.status == 402, "\(refused.body)")
            #expect(refused.body.contains("The key's quota of 3 predictions does not cover the request."))
            #expect(try used() == 0 && server.network.calls == 0)
            #expect(try await server.post(images: 3, query: query).status == 200)
            #expect(try used() == 3)
            #expect(try await server.post(to: "/m/1" + query).status == 402)
            #expect(try used() == 3 && server.network.calls == 3)
        }
    }

    /// A request that gets no prediction for a fault of its own, by the status.
    enum Refusal: CaseIterable {
        case bodyTooLarge, tooManyImages, exceedsMemory, tooManyTiles, wrongParameter, noImage, badHeader, badPixels

        var status: Int {
            switch self {
            case .bodyTooLarge, .tooManyImages, .exceedsMemory: 413
            case .tooManyTiles, .wrongParameter: 422
            case .noImage, .badHeader, .badPixels: 400
            }
        }

        func request() throws -> (body: [UInt8], path: String, query: String) {
            let picture = TestServer.picture
            return switch self {
            case .bodyTooLarge: ([UInt8](repeating: 1, count: 30_001), "/m/1", "")
            case .tooManyImages: (BoundedServer.list(3), BoundedServer.infer, "")
            case .exceedsMemory: (try BoundedServer.picture(width: 500, height: 500), "/m/1", "")
            case .tooManyTiles: (try BoundedServer.picture(width: 320, height: 240), "/m/1", "&tile=64")
            case .wrongParameter: (picture, "/m/1", "&confidence=abc")
            case .noImage: ([], "/m/1", "")
            case .badHeader: (Array(picture.prefix(20)), "/m/1", "")
            case .badPixels: (Array(picture.prefix(picture.count / 2)), "/m/1", "")
            }
        }
    }

    @Test(arguments: Refusal.allCases) func aRefusedRequestSpendsNothing(refusal: Refusal) async throws {
        let limits = ServiceLimits(concurrency: 1, maxMemory: 1 << 20, maxImages: 2, maxTiles: 4)
        try await BoundedServer.run(limits, access: .keys(store), maxBodySize: 30_000) { server in
            let (body, path, query) = try refusal.request()
            for _ in 0..<2 {
                let answer = try await server.post(body, to: "\(path)?api_key=\(secret)\(query)")
                #expect(answer.status == refusal.status, "\(answer.body.prefix(300))")
            }
            #expect(try used() == 0)
            #expect(server.network.calls == 0)
            for _ in 0..<3 { #expect(try await server.post(to: "/m/1?api_key=\(secret)").status == 200) }
            #expect(try await server.post(to: "/m/1?api_key=\(secret)").status == 402)
            #expect(try used() == 3 && server.network.calls == 3)
        }
    }

    @Test func aRequestThatFindsTheQueueFullSpendsNothing() async throws {
        let other = try store.create(name: "other").secret
        // Two images of the list enter at once: the first takes the last place of the queue, the second finds none.
        let limits = ServiceLimits(concurrency: 2, maxQueue: 1)
        try await BoundedServer.run(limits, access: .keys(store)) { server in
            let held = try await server.fill(3, path: "/m/1?api_key=\(other)")
            let list = try await server.post(images: 2, query: "?api_key=\(secret)")
            #expect(list.status == 429, "\(list.body)")
            #expect(try used() == 0)
            try await server.expect(running: 3, waiting: 0)
            let waiting = try await server.send(to: "/m/1?api_key=\(other)")
            try await server.expect(running: 3, waiting: 1)
            #expect(try await server.post(to: "/m/1?api_key=\(secret)").status == 429)
            #expect(try used() == 0 && server.network.calls == 2)
            try await server.finish(held + [waiting])
            for _ in 0..<3 { #expect(try await server.post(to: "/m/1?api_key=\(secret)").status == 200) }
            #expect(try await server.post(to: "/m/1?api_key=\(secret)").status == 402)
        }
    }

    @Test func aKeyWithOneRequestDoesNotWaitForThoseOfAnother() async throws {
        let other = try store.create(name: "other").secret
        let (black, white) = (
            try BoundedServer.picture(width: 32, height: 32),
            try BoundedServer.picture(width: 32, height: 32, white: true)
        )
        try await BoundedServer.run(ServiceLimits(concurrency: 1), access: .keys(store)) { server in
            server.network.hold()
            var connections: [TestConnection] = []
            for count in 1...12 {
                connections.append(try await server.send(black, to: "/m/1?api_key=\(other)"))
                try await server.expect(running: min(count, 2), waiting: max(count - 2, 0))
            }
            connections.append(try await server.send(white, to: "/m/1?api_key=\(secret)"))
            try await server.expect(running: 2, waiting: 11)
            try await server.finish(connections)
            let order = server.network.whites
            #expect(order.count == 13)
            // Two ran before it came; of the two slots that come free, one is its own.
            #expect(try #require(order.firstIndex(of: true)) <= 3, "\(order)")
        }
    }
}
