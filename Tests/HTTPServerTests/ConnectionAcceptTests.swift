import Foundation
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import HTTPServer

/// What the listening socket does when there are no descriptors.
@Suite(.timeLimit(.minutes(1))) struct ConnectionAcceptTests {
    @Test(arguments: [EMFILE, ENFILE]) func acceptingPausesWithoutDescriptorsAndGoesOn(code: CInt) async throws {
        let registry = ConnectionRegistry(maxConnections: 10)
        for _ in 0..<3 { _ = registry.open {} }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        try await channel.eventLoop.submit {
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            try channel.pipeline.syncOperations.addHandler(
                AcceptPause(registry: registry, interval: .milliseconds(200), logger: logger), position: .first)
            for _ in 0..<3 {
                channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
            }
        }.get()
        #expect(try await channel.getOption(.autoRead).get() == false)
        #expect(registry.counts.evicted == 3 && channel.isActive)
        var isAccepting = false
        for _ in 0..<100 where !isAccepting {
            try await Task.sleep(for: .milliseconds(20))
            isAccepting = try await channel.getOption(.autoRead).get()
        }
        #expect(isAccepting)
        try await channel.close()
    }
}
