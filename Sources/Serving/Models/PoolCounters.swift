/// What a pool of models has done since it was made.
public struct PoolCounters: Hashable, Sendable {
    /// Loads that started.
    public var loads = 0
    /// Loads that failed where no older generation was served.
    public var failedLoads = 0
    /// Loaded models that were replaced after their files had changed.
    public var reloads = 0
    /// Loads of changed files that failed, so that the older generation is still served.
    public var failedReloads = 0
    /// Models that were evicted for others.
    public var evictions = 0

    /// Creates counters at zero.
    public init() {}
}
