/// The limits on running and waiting requests. Values outside the accepted range are clamped to it.
public struct SchedulerLimits: Hashable, Sendable {
    /// Maximum number of concurrent inferences, from 1 to 4096.
    public let concurrency: Int
    /// Maximum number of waiting requests, from 0 to 100,000.
    public let maxQueue: Int
    /// Maximum time in the queue, from a millisecond to a day.
    public let queueTimeout: Duration

    /// Number of requests that hold a slot in addition to those in inference, so that the next image is decoded
    /// meanwhile.
    private let decodingAhead: Int

    /// Creates limits.
    /// - Parameter decodesAhead: whether one request more than `concurrency` may hold a slot.
    public init(
        concurrency: Int, maxQueue: Int = 64, queueTimeout: Duration = .seconds(30), decodesAhead: Bool = true
    ) {
        self.concurrency = min(max(1, concurrency), 4096)
        decodingAhead = decodesAhead ? 1 : 0
        self.maxQueue = min(max(0, maxQueue), 100_000)
        self.queueTimeout = min(max(.milliseconds(1), queueTimeout), .seconds(86_400))
    }

    /// Maximum number of requests that hold a slot at once.
    public var slots: Int { concurrency + decodingAhead }
}
