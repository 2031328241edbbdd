/// The bounds of how many requests run and wait. Values outside the accepted range are moved to its nearer end.
public struct SchedulerLimits: Hashable, Sendable {
    /// The number of inferences at once, from 1 to 4096.
    public let concurrency: Int
    /// The number of requests that may wait, from 0 to 100,000.
    public let maxQueue: Int
    /// The longest time that a request may wait, from a millisecond to a day.
    public let queueTimeout: Duration

    /// Creates limits.
    public init(concurrency: Int, maxQueue: Int = 64, queueTimeout: Duration = .seconds(30)) {
        self.concurrency = min(max(1, concurrency), 4096)
        self.maxQueue = min(max(0, maxQueue), 100_000)
        self.queueTimeout = min(max(.milliseconds(1), queueTimeout), .seconds(86_400))
    }

    /// The number of requests that hold a slot at once: one more than inferences, so that the next image is decoded meanwhile.
    public var slots: Int { concurrency + 1 }
}
