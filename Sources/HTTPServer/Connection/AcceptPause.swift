import Foundation
import Logging
import NIOCore

/// Pauses accepting while the process or the system is out of descriptors or socket memory.
///
/// NIO leaves the listening socket registered after such an error, and its event loop spins until a descriptor is free.
final class AcceptPause: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    /// Connections without a request in flight that are evicted when a pause begins.
    private static let evictions = 16

    private let registry: ConnectionRegistry
    private let interval: TimeAmount
    private let logger: Logger
    private var isPaused = false
    private var lastPause: NIODeadline?

    /// - Parameter interval: how long a pause lasts.
    init(registry: ConnectionRegistry, interval: TimeAmount = .seconds(1), logger: Logger) {
        self.registry = registry
        self.interval = interval
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let code = (error as? IOError)?.errnoCode, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) {
            pause(context, code)
        }
        context.fireErrorCaught(error)
    }

    private func pause(_ context: ChannelHandlerContext, _ code: CInt) {
        guard !isPaused else { return }
        isPaused = true
        // A shortage is logged once; without a pause for a minute, the next one is another.
        let isNew = lastPause.map { NIODeadline.now() - $0 > .minutes(1) } ?? true
        lastPause = .now()
        if isNew {
            logger.warning(
                "Accepting connections is paused: \(String(cString: strerror(code))). Idle connections are closed.",
                metadata: ["open": "\(registry.counts.open)"])
        }
        registry.evict(atMost: Self.evictions)
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenFailure { _ in channel.close(promise: nil) }
        context.eventLoop.assumeIsolated().scheduleTask(in: interval) {
            self.isPaused = false
            channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
        }
    }
}
