import NIOCore

/// Decides whether a client has stopped reading, from the bytes that wait for it.
///
/// In each window of the write timeout a client must take a minimum number of bytes, or all that waited when the window
/// began. A byte now and then is no progress.
struct WriteProgress {
    /// The state of what has been written.
    enum State: Equatable {
        /// Nothing waits for the client.
        case complete
        /// Bytes wait; the time is what is left of the window.
        case waiting(TimeAmount)
        /// The client took too little in the window.
        case stalled
    }

    private let window: TimeAmount
    private let quota: Int
    /// Bytes written in all.
    var written = 0
    private var start: (time: NIODeadline, taken: Int, buffered: Int)?

    /// - Parameter grain: bytes that are noticed as taken only together; they are subtracted from what must be taken.
    init(limits: ConnectionLimits, grain: Int = 0) {
        window = TimeAmount(limits.writeTimeout)
        let bytes = Double(limits.minWriteRate) * Double(window.nanoseconds) / 1e9
        quota = max(1, Int(min(bytes, Double(Int32.max))) - grain)
    }

    /// Notes what is still waiting.
    /// - Parameter buffered: bytes that have been written and not taken yet.
    mutating func state(buffered: Int, now: NIODeadline) -> State {
        guard buffered > 0 else {
            start = nil
            return .complete
        }
        let taken = written - buffered
        guard let start else {
            self.start = (now, taken, buffered)
            return .waiting(window)
        }
        let elapsed = now - start.time
        if elapsed < window { return .waiting(window - elapsed) }
        guard taken - start.taken >= min(quota, start.buffered) else { return .stalled }
        self.start = (now, taken, buffered)
        return .waiting(window)
    }
}
