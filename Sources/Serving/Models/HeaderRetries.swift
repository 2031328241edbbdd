import InstanceSegmentation

/// Decides when headers that could not be read are read again: the process may have been out of descriptors, or the
/// disk slow. The pauses of a file double from one second up to the longest of its fault.
struct HeaderRetries {
    private struct Retry {
        let location: ModelLocation
        let fingerprint: ModelFingerprint?
        /// How often the header of these files could not be read.
        let attempts: Int
        /// `nil` where the header is read again only if the operator asks for it.
        var due: Duration?
    }

    /// Headers that are read again in one look at the disk.
    private static let maxAtOnce = 16
    private var retries: [ModelID: Retry] = [:]

    /// A header could not be read.
    /// - Parameter fingerprint: the files; others than before begin with the shortest pause.
    mutating func failed(
        _ location: ModelLocation, _ fingerprint: ModelFingerprint?, _ fault: HeaderFault, at now: Duration
    ) {
        let previous = retries[location.id].flatMap { $0.fingerprint == fingerprint ? $0.attempts : nil }
        let attempts = min((previous ?? 0) + 1, 16)
        let due = fault.longestPause.map { now + min($0, .seconds(1 << (attempts - 1))) }
        retries[location.id] = Retry(location: location, fingerprint: fingerprint, attempts: attempts, due: due)
    }

    /// A header was read, or its model is gone.
    mutating func forget(_ id: ModelID) { retries[id] = nil }

    /// All headers may be read again at once, because the operator asked for it.
    mutating func hurry() {
        for id in retries.keys { retries[id]?.due = .zero }
    }

    /// Takes those whose time has come, the longest overdue first.
    mutating func take(at now: Duration) -> [ModelLocation] {
        let due = retries.values.compactMap { retry in retry.due.map { (location: retry.location, time: $0) } }
            .filter { $0.time <= now }.sorted { $0.time < $1.time }.prefix(Self.maxAtOnce)
        // Not before the next time, should nothing come of this one.
        for retry in due { retries[retry.location.id]?.due = now + .seconds(60) }
        return due.map(\.location)
    }

    /// Whether headers are left that the operator asked for.
    var isHurried: Bool { retries.values.contains { $0.due == .zero } }
}
