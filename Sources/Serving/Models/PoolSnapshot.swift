public import Foundation

/// The state of a pool of models at one moment, for metrics.
public struct PoolSnapshot: Hashable, Sendable {
    /// Models in memory that are served.
    public var loaded = 0
    /// Loads that are running, including hung ones.
    public var loading = 0
    /// Loads that have not started.
    public var queued = 0
    /// Models whose last load failed.
    public var failed = 0
    /// Requests that are waiting for a load.
    public var waiting = 0
    public var counters = PoolCounters()

    /// Creates a snapshot of an empty pool.
    public init() {}

    init<ID, Version>(_ state: ModelPoolState<ID, Version>) {
        for model in state.models.values {
            if model.serving != nil { loaded += 1 }
            if model.failure != nil { failed += 1 }
            waiting += model.load?.waiters.count ?? 0
        }
        loading = state.running.count
        queued = state.queue.count
        counters = state.counters
    }
}

/// The state of one model in a pool.
public struct ModelStatus: Sendable {
    /// The last failed load.
    public struct Failure: Sendable {
        /// The reason for the failure, as reported to callers.
        public let reason: String
        public let date: Date
        /// Number of consecutive failures.
        public let attempts: Int
    }

    /// Number of the load that the served model comes from; `nil` if none is in memory.
    public let generation: Int?
    /// Whether a load is queued or running.
    public let isLoading: Bool
    /// Whether the files on disk differ from the served version.
    public let isOutdated: Bool
    /// The last failed load, until a load succeeds or the files change.
    public let failure: Failure?
}
