import Synchronization

/// Memory of a budget that is held by one owner, for example by a request body while it is read. It grows in steps and is released
/// with the lease at the latest.
package final class MemoryLease: Sendable {
    private struct State {
        var share: MemoryShare
        var bytes = 0
        var isReleased = false
    }

    private let budget: MemoryBudget
    private let state: Mutex<State>

    /// Creates a lease that holds nothing.
    package init(of share: MemoryShare, from budget: MemoryBudget) {
        self.budget = budget
        state = Mutex(State(share: share))
    }

    deinit { release() }

    /// The memory held, in bytes.
    package var bytes: Int { state.withLock(\.bytes) }

    /// The share that the memory belongs to.
    package var share: MemoryShare { state.withLock(\.share) }

    /// Reserves more memory.
    /// - Throws: `MemoryBudgetError`; the lease keeps what it had. A lease that has been released does not grow.
    package func grow(by bytes: Int) throws(MemoryBudgetError) {
        try state.withLock { state throws(MemoryBudgetError) in
            let limit = budget.limits[state.share]
            let (sum, overflow) = state.bytes.addingReportingOverflow(bytes)
            guard bytes >= 0, !overflow, sum <= limit else {
                throw .tooLarge(bytes: overflow ? .max : sum, limit: limit)
            }
            guard !state.isReleased, budget.reserve(bytes, of: state.share) else {
                throw .exhausted(state.share, limit: limit)
            }
            state.bytes = sum
        }
    }

    /// Moves the memory to another share, where it and later growth are counted.
    /// - Throws: `MemoryBudgetError` if that share has no room; the lease stays as it was.
    package func move(to share: MemoryShare) throws(MemoryBudgetError) {
        try state.withLock { state throws(MemoryBudgetError) in
            let limit = budget.limits[share]
            guard state.bytes <= limit else { throw .tooLarge(bytes: state.bytes, limit: limit) }
            guard budget.move(state.bytes, from: state.share, to: share) else {
                throw .exhausted(share, limit: limit)
            }
            state.share = share
        }
    }

    /// Releases the memory. Repeated calls have no effect.
    package func release() {
        let (share, bytes) = state.withLock { state in
            defer { (state.bytes, state.isReleased) = (0, true) }
            return (state.share, state.bytes)
        }
        budget.release(bytes, of: share)
    }
}
