import Synchronization

/// Counts the images that are being fetched, up to a limit. No owner has more than there are places left, so that one whose addresses
/// are slow leaves as much to others as it has (Choudhury and Hahne, *Dynamic queue length thresholds*, 1998).
final class FetchCount: Sendable {
    private struct State {
        var total = 0
        var owners: [String?: Int] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// Begins a fetch for a key. Returns false where it has its share already.
    func begin(for owner: String?) -> Bool {
        state.withLock { state in
            guard state.owners[owner] ?? 0 < limit - state.total else { return false }
            state.total += 1
            state.owners[owner, default: 0] += 1
            return true
        }
    }

    /// Ends a fetch.
    func end(for owner: String?) {
        state.withLock { state in
            state.total -= 1
            let rest = (state.owners[owner] ?? 0) - 1
            state.owners[owner] = rest > 0 ? rest : nil
        }
    }
}
