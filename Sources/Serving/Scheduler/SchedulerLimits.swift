/// The bounds of how many requests run and wait. Values outside the accepted range are moved to its nearer end.
public struct SchedulerLimits: Hashable, Sendable {
    /// The number of inferences at once, from 1 to 4096.
    public let concurrency: Int
    /// The number of requests that may wait, from 0 to 100,000.
    public let maxQueue: Int
    /// The longest time that a request may wait, from a millisecond to a day.
    public let queueTimeout: Duration

    /// Requests that hold a slot besides those whose inferences run, so that the next image is decoded meanwhile.
    private let decodingAhead: Int

    /// Creates limits.
    /// - Parameter decodesAhead: whether one more request than inferences holds a slot.
    public init(
        concurrency: Int, maxQueue: Int = 64, queueTimeout: Duration = .seconds(30), decodesAhead: Bool = true
    ) {
        self.concurrency = min(max(1, concurrency), 4096)
        decodingAhead = decodesAhead ? 1 : 0
        self.maxQueue = min(max(0, maxQueue), 100_000)
        self.queueTimeout = min(max(.milliseconds(1), queueTimeout), .seconds(86_400))
    }

    /// The number of requests that hold a slot at once.
    public var slots: Int { concurrency + decodingAhead }
}
