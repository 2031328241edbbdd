import NIOCore
import NIOHTTP2

/// The response body of an HTTP/2 stream, written in parts, so that a client that stops taking them is noticed: the
/// connection itself may be busy with other streams, and the window of this one closed.
struct StreamOutput {
    private static let partSize = 16 << 10

    private let progress = Progress()

    /// Splits a body into parts and starts the write deadline.
    /// - Parameters:
    ///   - promise: completes with the last part.
    ///   - connection: says how fast the client must take the parts; else the stream is reset.
    func parts(
        of body: ByteBuffer, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext,
        _ connection: ConnectionGuard?
    ) -> [(ByteBuffer, EventLoopPromise<Void>?)] {
        guard let connection, body.readableBytes > 0 else { return [(body, promise)] }
        var body = body
        var parts: [(ByteBuffer, EventLoopPromise<Void>?)] = []
        let progress = progress
        while let part = body.readSlice(length: min(Self.partSize, body.readableBytes)), part.readableBytes > 0 {
            let taken = context.eventLoop.makePromise(of: Void.self)
            let size = part.readableBytes
            progress.wrote(size)
            taken.futureResult.assumeIsolated().whenComplete { _ in progress.took(size) }
            if body.readableBytes == 0 { taken.futureResult.cascade(to: promise) }
            parts.append((part, taken))
        }
        progress.watch(context, connection, WriteProgress(limits: connection.limits, grain: Self.partSize))
        return parts
    }

    /// Stops the deadline.
    func stop() {
        progress.stop()
    }
}

private final class Progress {
    private var waiting = 0
    private var written = 0
    private var writes: WriteProgress?
    private var timer: Scheduled<Void>?

    func wrote(_ count: Int) {
        waiting += count
        written += count
    }

    func took(_ count: Int) {
        waiting -= count
        if waiting == 0 { stop() }
    }

    func watch(_ context: ChannelHandlerContext, _ connection: ConnectionGuard, _ writes: WriteProgress) {
        guard timer == nil else { return }
        self.writes = writes
        check(context, connection)
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func check(_ context: ChannelHandlerContext, _ connection: ConnectionGuard) {
        timer = nil
        writes?.written = written
        switch writes?.state(buffered: waiting, now: .now()) {
        case .complete, nil: break
        case .waiting(let time):
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.check(context, connection) }
        case .stalled:
            connection.count(.write)
            connection.resetStream(context, .cancel)
        }
    }
}
