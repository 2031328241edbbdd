import NIOCore

/// Notices that a client does not take the bytes that were written to its connection.
final class WriteWatch {
    private var progress: WriteProgress
    private let interval: TimeAmount
    private var timer: Scheduled<Void>?

    init(limits: ConnectionLimits) {
        progress = WriteProgress(limits: limits)
        interval = TimeAmount(limits.writeTimeout / 4)
    }

    /// Bytes that the system has not accepted yet. A closed connection has none.
    static func bufferedBytes(of channel: (any Channel)?) -> Int {
        guard let channel, channel.isActive else { return 0 }
        return (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Notes bytes that are written.
    func wrote(_ count: Int) {
        progress.written += count
    }

    /// Watches until the system has accepted everything.
    /// - Parameter stalled: called at most once, when the client has taken too little in a window.
    func start(_ channel: any Channel, stalled: @escaping () -> Void) {
        guard timer == nil else { return }
        switch progress.state(buffered: Self.bufferedBytes(of: channel), now: .now()) {
        case .complete: break
        case .stalled: stalled()
        case .waiting(let rest):
            let time = max(.milliseconds(1), min(rest, interval))
            timer = channel.eventLoop.assumeIsolated().scheduleTask(in: time) {
                self.timer = nil
                self.start(channel, stalled: stalled)
            }
        }
    }

    /// Stops watching.
    func stop() {
        timer?.cancel()
        timer = nil
    }
}
