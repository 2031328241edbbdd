import InstanceSegmentation

/// Decides when headers that could not be read are read again: the process may have been out of descriptors, or the disk slow. After 1, 2,
/// 4 … 60 seconds.
struct HeaderRetries {
    private struct Retry {
        let location: ModelLocation
        var attempts: Int
        var due: Duration
    }

    /// Headers that are read again in one look at the disk.
    private static let maxAtOnce = 16
    private var retries: [ModelID: Retry] = [:]

    /// A header could not be read.
    mutating func failed(_ location: ModelLocation, at now: Duration) {
        let attempts = min((retries[location.id]?.attempts ?? 0) + 1, 7)
        retries[location.id] = Retry(
            location: location, attempts: attempts, due: now + .seconds(min(60, 1 << (attempts - 1))))
    }

    /// A header was read, or its model is gone.
    mutating func forget(_ id: ModelID) { retries[id] = nil }

    /// All headers may be read again at once, because somebody asked for it.
    mutating func hurry() {
        for id in retries.keys { retries[id]?.due = .zero }
    }

    /// Takes those whose time has come, the longest overdue first.
    mutating func take(at now: Duration) -> [ModelLocation] {
        let due = retries.values.filter { $0.due <= now }.sorted { $0.due < $1.due }.prefix(Self.maxAtOnce)
        // Not before the next time, should nothing come of this one.
        for retry in due { retries[retry.location.id]?.due = now + .seconds(60) }
        return due.map(\.location)
    }
}
