import Synchronization

/// The reason why memory was not reserved.
package enum MemoryBudgetError: Error, Equatable, Sendable {
    /// The request exceeds what the share may ever hold. Both numbers are in bytes.
    case tooLarge(bytes: Int, limit: Int)
}

/// An account of the memory that requests hold. It allocates nothing and never blocks: a reservation succeeds at once or fails.
package final class MemoryBudget: Sendable {
    /// The memory in use at one moment, in bytes.
    package struct Usage: Equatable, Sendable {
        fileprivate var shares = [Int](repeating: 0, count: MemoryShare.allCases.count)
        /// The memory of all shares together.
        package fileprivate(set) var total = 0
        /// The memory of one share.
        package subscript(_ share: MemoryShare) -> Int { shares[share.rawValue] }
    }

    private struct State {
        var usage = Usage()
        /// The shares that were refused memory since it was last released.
        var awaited: Set<MemoryShare> = []
        var observers: [MemoryShare: @Sendable () -> Void] = [:]

        func available(_ share: MemoryShare, _ limits: MemoryLimits) -> Int {
            min(limits[share] - usage[share], limits.total - usage.total)
        }

        mutating func add(_ bytes: Int, to share: MemoryShare) {
            usage.shares[share.rawValue] += bytes
            usage.total += bytes
        }
    }

    /// The bounds.
    package let limits: MemoryLimits
    private let state = Mutex(State())

    /// Creates a budget of which nothing is in use.
    package init(limits: MemoryLimits) {
        self.limits = limits
    }

    /// The memory in use now.
    package var usage: Usage { state.withLock(\.usage) }

    /// The memory that a share could reserve now, in bytes.
    package func available(of share: MemoryShare) -> Int {
        state.withLock { $0.available(share, limits) }
    }

    /// Reserves memory if it is available.
    /// - Returns: whether it was. A negative number never is.
    package func reserve(_ bytes: Int, of share: MemoryShare) -> Bool {
        state.withLock { state in
            guard bytes >= 0 else { return false }
            guard bytes <= state.available(share, limits) else {
                state.awaited.insert(share)
                return false
            }
            state.add(bytes, to: share)
            return true
        }
    }

    /// Counts memory that is already in use, regardless of the limits.
    package func count(_ bytes: Int, of share: MemoryShare) {
        guard bytes > 0 else { return }
        state.withLock { $0.add(bytes, to: share) }
    }

    /// Releases memory that was reserved or counted.
    /// - Parameter exceptFor: shares whose observers are not notified, because the caller handles them.
    package func release(_ bytes: Int, of share: MemoryShare, exceptFor silent: Set<MemoryShare> = []) {
        guard bytes > 0 else { return }
        let observers = state.withLock { state -> [@Sendable () -> Void] in
            assert(bytes <= state.usage[share], "more was released than reserved")
            state.add(-min(bytes, state.usage[share]), to: share)
            guard !state.awaited.isEmpty else { return [] }
            let told = state.awaited.subtracting(silent)
            state.awaited.subtract(told)
            return told.compactMap { state.observers[$0] }
        }
        for observer in observers { observer() }
    }

    /// Sets what is called, on the releasing thread and outside of the lock, when memory is released after a share had been refused
    /// some. A share has one observer: what waits for its memory.
    package func onRelease(for share: MemoryShare, _ observer: @escaping @Sendable () -> Void) {
        state.withLock { $0.observers[share] = observer }
    }
}
