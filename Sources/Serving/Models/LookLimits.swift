/// Bounds of a look at the folder of models.
struct LookLimits: Sendable {
    /// Longest time for the folder of a dataset.
    let dataset: Duration
    /// Longest time for the whole look; datasets that it does not come to are left as they were.
    let total: Duration
    /// Whether headers are read afterwards.
    let readsHeaders: Bool

    /// For looks in the background: long enough for a network file system.
    static let regular = LookLimits(dataset: .seconds(60), total: .seconds(600), readsHeaders: true)
    /// Before a server listens.
    static let first = LookLimits(dataset: .seconds(2), total: .seconds(10), readsHeaders: false)
}
