/// The number of events in a pool of models since its creation.
public struct PoolCounters: Hashable, Sendable {
    /// Loads that started.
    public var loads = 0
    /// Loads that failed while no older generation was served.
    public var failedLoads = 0
    /// Loaded models that were replaced because their files changed.
    public var reloads = 0
    /// Loads of changed files that failed; the older generation is still served.
    public var failedReloads = 0
    /// Models that were evicted to load others.
    public var evictions = 0

    /// Creates counters at zero.
    public init() {}
}
