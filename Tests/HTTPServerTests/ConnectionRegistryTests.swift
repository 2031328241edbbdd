import Foundation
import HummingbirdCore
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// Who is closed when there are too many connections.
@Suite(.timeLimit(.minutes(1))) struct ConnectionRegistryTests {
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test func theIdleOrderIsAQueueWithRemoval() {
        var random = SeededRandom(seed: 16)
        var (order, model) = (IdleOrder(), [Int]())
        for _ in 0..<2000 {
            let id = Int.random(in: 0..<20, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                order.append(id)
                if !model.contains(id) { model.append(id) }
            case 2:
                order.remove(id)
                model.removeAll { $0 == id }
            default:
                #expect(order.popFirst() == model.first)
                model = Array(model.dropFirst())
            }
            #expect(order.first == model.first && order.count == model.count)
        }
    }

    @Test func theOldestConnectionWithoutARequestIsEvicted() {
        let registry = ConnectionRegistry(maxConnections: 3)
        let closed = Mutex<[Int]>([])
        let ids = (0..<3).map { n in registry.open { closed.withLock { $0.append(n) } } ?? -1 }
        registry.set(ids[0], inFlight: true)
        #expect(registry.open {} != nil && closed.withLock { $0 } == [1])
        registry.set(ids[0], inFlight: false)  // idle for the shortest time now
        registry.set(ids[1], inFlight: true)  // an evicted connection counts no more
        #expect(registry.open {} != nil && closed.withLock { $0 } == [1, 2])
        #expect(registry.counts == ConnectionRegistry.Counts(open: 3, inFlight: 0, evicted: 2))
        registry.closed(ids[0])
        registry.closed(ids[0])
        #expect(registry.counts.open == 2)
    }

    @Test func aNewConnectionIsRefusedWhenAllAreInFlight() {
        let registry = ConnectionRegistry(maxConnections: 2)
        for _ in 0..<2 { registry.set(registry.open {} ?? -1, inFlight: true) }
        #expect(registry.open {} == nil)
        #expect(registry.counts == ConnectionRegistry.Counts(open: 2, inFlight: 2, refused: 1))
    }

    @Test func anHonestClientIsServedAmongManyThatAreNot() async throws {
        let limits = ConnectionLimits(maxConnections: 8)
        try await ConnectionTestServer.run(limits) { request, context in
            let body = try await request.collectedBody(limit: 1 << 20, context: context)
            return .text("received \(body.readableBytes)")
        } _: { server in
            var strangers: [TestConnection] = []
            for i in 0..<40 {
                let stranger = try await server.connect()
                // Silent ones, half a head, and half a body.
                if i % 3 == 1 { try await stranger.send("GET / HT") }
                if i % 3 == 2 {
                    try await stranger.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nabc")
                }
                strangers.append(stranger)
                let honest = try await server.connect()
                try await honest.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
                #expect(try await honest.wait { $0.text.hasSuffix("received 5") } != nil)
                try await honest.close()
            }
            #expect(try await eventually { server.registry.counts.open <= 8 } != nil)
            #expect(server.registry.counts.evicted >= 30)
            #expect(try await eventually { strangers.prefix(30).allSatisfy(\.isClosed) } != nil)
            for stranger in strangers where !stranger.isClosed { try? await stranger.close() }
        }
    }

    @Test func connectionsInFlightAreNotEvictedAndNewOnesAreRefused() async throws {
        let limits = ConnectionLimits(maxConnections: 2)
        try await ConnectionTestServer.run(limits) { _, _ in
            try await Task.sleep(for: .milliseconds(700))
            return .text("hello")
        } _: { server in
            let (first, second) = (try await server.connect(), try await server.connect())
            for (count, connection) in [(1, first), (2, second)] {
                try await connection.send(Self.get)
                #expect(try await eventually { server.registry.counts.inFlight == count } != nil)
                try await Task.sleep(for: .milliseconds(100))  // so that the first one is answered first
            }
            let third = try await server.connect()
            #expect(try await third.wait(.seconds(3)) { $0.isClosed } != nil)
            #expect(third.text.hasPrefix("HTTP/1.1 503 ") && server.registry.counts.refused == 1)
            for connection in [first, second] {
                #expect(try await connection.wait { $0.text.hasSuffix("hello") } != nil)
            }
            let fourth = try await server.connect()
            try await fourth.send(Self.get)
            #expect(try await fourth.wait { $0.text.hasSuffix("hello") } != nil)
            #expect(first.isClosed && !second.isClosed, "the one that was answered first was idle for longer")
        }
    }

    @Test func aKnownCallersBodyIsNotEvicted() async throws {
        let limits = ConnectionLimits(maxConnections: 2)
        try await ConnectionTestServer.run(limits) { request, context in
            if request.uri.query == "key" { context.callerIsKnown() }
            let body = try await request.collectedBody(limit: 1 << 20, context: context)
            return .text("received \(body.readableBytes)")
        } _: { server in
            let known = try await server.connect()
            try await known.send("POST /?key HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
            #expect(try await eventually { server.registry.counts.inFlight == 1 } != nil)
            for _ in 0..<5 { _ = try await server.connect() }
            #expect(try await eventually { server.registry.counts.evicted >= 4 } != nil)
            try await known.send("def")
            #expect(try await known.wait { $0.text.hasSuffix("received 6") } != nil)
        }
    }

    @Test func maximumsFollowTheSystemsLimitOfDescriptors() throws {
        let limit = try #require(DescriptorLimit.raise())
        #expect(limit > DescriptorLimit.reserve)
        #expect(DescriptorLimit.connections(wanted: 4096, limit: 1024) == 896)
        #expect(DescriptorLimit.connections(wanted: 100, limit: 1024) == 100)
        #expect(DescriptorLimit.connections(wanted: 100, limit: 64) == 32)
        #expect(DescriptorLimit.connections(wanted: 100, limit: nil) == 100)
    }
}
