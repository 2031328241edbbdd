import NIOCore

/// The next deadline of a connection: for a head, or for idleness. There is one timer for many requests: where it comes too
/// early, it looks again.
final class ConnectionDeadline {
    /// Without a kind, it is not a fault to miss the deadline.
    private(set) var next: (time: NIODeadline, kind: ConnectionTimeout?)?
    private var timer: (task: Scheduled<Void>, time: NIODeadline)?
    private let expired: (ConnectionTimeout?) -> Void

    /// - Parameter expired: called at most once for each deadline that is set, when its time has come.
    init(expired: @escaping (ConnectionTimeout?) -> Void) {
        self.expired = expired
    }

    /// Replaces the deadline. Nothing happens on a channel that is closed.
    func set(_ kind: ConnectionTimeout?, in duration: Duration, on channel: (any Channel)?) {
        let time = NIODeadline.now() + TimeAmount(duration)
        next = (time, kind)
        if let timer, timer.time <= time { return }
        start(at: time, channel)
    }

    /// Takes the deadline away.
    func clear() {
        next = nil
    }

    /// Stops the timer too.
    func stop() {
        timer?.task.cancel()
        timer = nil
    }

    private func start(at time: NIODeadline, _ channel: (any Channel)?) {
        stop()
        guard let channel, channel.isActive else { return }
        let task = channel.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            self.timer = nil
            guard let next = self.next else { return }
            guard NIODeadline.now() >= next.time else { return self.start(at: next.time, channel) }
            self.expired(next.kind)
        }
        timer = (task, time)
    }
}
