import Synchronization

/// Counts the images that are being fetched, up to a limit.
final class FetchCount: Sendable {
    private let limit: Int
    private let count = Mutex(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// Begins a fetch. Returns false where the limit is reached.
    func begin() -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    /// Ends a fetch.
    func end() { count.withLock { $0 -= 1 } }
}
