import NIOCore

/// The progress of one request body against its deadline and minimum rate. The rate holds in each window of `bodyGrace`, so
/// that bytes sent early do not pay for a stall. Only time in which the server reads counts for it.
struct BodyPace {
    private let timeout: TimeAmount
    private let window: TimeAmount
    private let minRate: Int
    private let start: NIODeadline
    private var readingSince: NIODeadline?
    private var readingTime = TimeAmount.nanoseconds(0)
    /// Reading time and bytes at the start of the current window.
    private var windowStart = (time: TimeAmount.nanoseconds(0), bytes: 0)
    /// Bytes received so far.
    var bytes: Int

    /// - Parameters:
    ///   - bytes: bytes that have arrived before the body was wanted.
    ///   - isReading: whether the server is ready for more bytes.
    init(limits: ConnectionLimits, bytes: Int, isReading: Bool, now: NIODeadline) {
        timeout = TimeAmount(limits.bodyTimeout)
        window = TimeAmount(limits.bodyGrace)
        minRate = limits.minBodyRate
        start = now
        readingSince = isReading ? now : nil
        self.bytes = bytes
    }

    /// Notes whether the server is ready for more bytes.
    mutating func setReading(_ isReading: Bool, now: NIODeadline) {
        if isReading {
            if readingSince == nil { readingSince = now }
        } else if let since = readingSince {
            readingTime = readingTime + (now - since)
            readingSince = nil
        }
    }

    /// Ends the current window if it is over.
    /// - Returns: when to look again, or nil when the body is too late or too slow.
    mutating func nextCheck(now: NIODeadline) -> NIODeadline? {
        let end = start + timeout
        guard now < end else { return nil }
        let reading = readingTime + (readingSince.map { now - $0 } ?? .nanoseconds(0))
        let elapsed = reading - windowStart.time
        if elapsed < window { return min(end, now + max(.milliseconds(10), window - elapsed)) }
        let seconds = Double(elapsed.nanoseconds) / 1e9
        guard Double(bytes - windowStart.bytes) >= Double(minRate) * seconds else { return nil }
        windowStart = (reading, bytes)
        return min(end, now + max(.milliseconds(10), window))
    }
}
