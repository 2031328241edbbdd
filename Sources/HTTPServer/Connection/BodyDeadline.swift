import NIOCore

/// Times one request body by its pace: while it is wanted, and what is left of it after the response.
final class BodyDeadline {
    private var pace: BodyPace?
    private var timer: Scheduled<Void>?

    /// Starts to watch the pace of a body that is wanted.
    /// - Parameter expired: called at most once.
    func start(_ pace: BodyPace, on eventLoop: any EventLoop, expired: @escaping () -> Void) {
        guard self.pace == nil else { return }
        self.pace = pace
        check(eventLoop, expired)
    }

    /// Notes bytes that have arrived.
    func received(_ count: Int) {
        pace?.bytes += count
    }

    /// Notes whether the server is ready for more bytes.
    func setReading(_ isReading: Bool) {
        pace?.setReading(isReading, now: .now())
    }

    /// Stops all deadlines.
    func stop() {
        pace = nil
        timer?.cancel()
        timer = nil
    }

    private func check(_ eventLoop: any EventLoop, _ expired: @escaping () -> Void) {
        guard pace != nil else { return }
        if let time = pace?.nextCheck(now: .now()) {
            timer = eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.check(eventLoop, expired) }
        } else {
            stop()
            expired()
        }
    }
}
