import NIOCore

/// Tells a client that has closed its connection from one that has only finished sending.
///
/// Both look the same until something is sent: the system of a client that is gone answers with a reset. What is sent is an
/// interim response, `100 Continue`, which clients of HTTP/1.1 skip (RFC 9110, section 15.2). Since some do not, none is sent in the
/// first second as long as no other request waits for what this one occupies.
struct DisconnectProbe {
    /// Maximum number of probes while one response is awaited.
    static let maxCount = 30

    private var hasInputEnded = false
    private var timer: RepeatedProbe?

    /// Notes that the client sends nothing more.
    mutating func inputEnded() {
        hasInputEnded = true
    }

    /// Starts to probe, if the client has finished sending.
    /// - Parameter isContended: whether other requests wait.
    mutating func start(
        on eventLoop: any EventLoop, isContended: @escaping @Sendable () -> Bool, send: @escaping () -> Void
    ) {
        guard hasInputEnded, timer == nil else { return }
        let timer = RepeatedProbe(eventLoop: eventLoop, isContended: isContended, send: send)
        self.timer = timer
        timer.run()
    }

    /// Stops probing, at the latest when the response begins.
    mutating func stop() {
        timer?.stop()
        timer = nil
    }
}

/// Sends a probe every 250 ms in the first second while other requests wait, then every second.
private final class RepeatedProbe {
    private static let tick = TimeAmount.milliseconds(50)
    /// Ticks in a second, and between two probes in the first.
    private static let (second, pause) = (20, 5)

    private let eventLoop: any EventLoop
    private let isContended: @Sendable () -> Bool
    private var send: (() -> Void)?
    private var ticks = 0
    private var next = 0
    private var count = 0
    private var task: Scheduled<Void>?

    init(eventLoop: any EventLoop, isContended: @escaping @Sendable () -> Bool, send: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.isContended = isContended
        self.send = send
    }

    func run() {
        guard let send, count < DisconnectProbe.maxCount else { return }
        if ticks >= next, ticks >= Self.second || isContended() {
            next = ticks + (ticks < Self.second ? Self.pause : Self.second)
            count += 1
            send()
        }
        // The probe itself may have ended the connection.
        guard self.send != nil else { return }
        ticks += 1
        task = eventLoop.assumeIsolated().scheduleTask(in: Self.tick) { self.run() }
    }

    func stop() {
        send = nil
        task?.cancel()
    }
}
