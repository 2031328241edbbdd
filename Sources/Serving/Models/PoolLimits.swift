/// The bounds of a pool of models.
public struct PoolLimits: Sendable {
    /// Maximum number of models kept in memory; the least recently used is evicted once another has loaded, so that there is one more
    /// for a moment. `nil` keeps all.
    public var maxModels: Int?
    /// Maximum number of loads that run at once; others are queued.
    public var maxLoads: Int
    /// Maximum number of requests that wait for one model; the one that starts its load always waits.
    public var maxWaiting: Int
    /// Maximum time to wait for a load, counted from the first request for it.
    public var longestWait: Duration
    /// Duration after which a load counts as hung, and no longer counts towards `maxLoads`.
    public var hangsAfter: Duration
    /// Maximum number of hung loads that do not count towards `maxLoads`.
    public var maxHungLoads: Int
    /// Back-off after the first failure, during which the model is not loaded again; it doubles with every consecutive
    /// failure.
    public var firstBackOff: Duration
    /// Maximum back-off.
    public var longestBackOff: Duration

    /// Creates bounds; counts below the smallest workable value are raised to it.
    public init(
        maxModels: Int? = nil, maxLoads: Int = 2, maxWaiting: Int = 64, longestWait: Duration = .seconds(30),
        hangsAfter: Duration = .seconds(30), maxHungLoads: Int = 8, firstBackOff: Duration = .seconds(1),
        longestBackOff: Duration = .seconds(60)
    ) {
        self.maxModels = maxModels.map { max($0, 1) }
        self.maxLoads = max(maxLoads, 1)
        self.maxWaiting = max(maxWaiting, 0)
        self.longestWait = longestWait
        self.hangsAfter = hangsAfter
        self.maxHungLoads = max(maxHungLoads, 0)
        self.firstBackOff = firstBackOff
        self.longestBackOff = longestBackOff
    }

    /// How long a model is not loaded again.
    /// - Parameter attempts: failures in a row, from 1.
    func backOff(after attempts: Int) -> Duration {
        // 2 to the power of 20 seconds is beyond any bound that makes sense.
        min(firstBackOff * (1 << min(max(attempts - 1, 0), 20)), longestBackOff)
    }
}
