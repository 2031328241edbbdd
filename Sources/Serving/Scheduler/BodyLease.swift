import Synchronization

/// The memory of one request body, from before it is read until it is not needed any more. It is released with the lease at the
/// latest.
package final class BodyLease: Sendable {
    private struct State {
        var ticket: Int
        var share: MemoryShare
        var owner: String?
        var bytes = 0
        var isReleased = false
        /// When the whole body had been read.
        var arrival: ContinuousClock.Instant?
    }

    private let memory: BodyMemory
    private let state: Mutex<State>

    /// Creates a lease that holds nothing.
    /// - Parameters:
    ///   - share: `.bodies` for a caller that has shown its key, else `.strangerBodies`.
    ///   - owner: the key, or the network of a caller that has shown none.
    package init(of share: MemoryShare, owner: String?, from memory: BodyMemory) {
        self.memory = memory
        state = Mutex(State(ticket: memory.newTicket(), share: share, owner: owner))
    }

    deinit { release() }

    /// The memory held, in bytes.
    package var bytes: Int { state.withLock(\.bytes) }

    /// The share that the memory belongs to.
    package var share: MemoryShare { state.withLock(\.share) }

    /// When the whole body had been read, from which the time of its request counts; `nil` until then.
    package var arrival: ContinuousClock.Instant? { state.withLock(\.arrival) }

    /// Waits until the lease holds a number of bytes, of which nothing is read before.
    /// - Parameter limit: the longest time to wait; that of all bodies applies as well.
    /// - Throws: `SchedulerError.memoryExhausted`, `MemoryBudgetError.tooLarge`, or `CancellationError`; the lease keeps what it
    ///   had, unless it was displaced.
    package func grow(to bytes: Int, within limit: Duration? = nil) async throws {
        let held = state.withLock { $0 }
        guard bytes > held.bytes else { return }
        let maximum = memory.budget.limits[held.share]
        guard bytes <= maximum else { throw MemoryBudgetError.tooLarge(bytes: bytes, limit: maximum) }
        guard !held.isReleased else { throw CancellationError() }
        let outcome = await memory.reserve(
            bytes - held.bytes, held.ticket, owner: held.owner, of: held.share, within: limit,
            isGrowing: held.bytes > 0)
        try check(outcome)
        let isReleased = state.withLock { state in
            state.bytes = bytes
            return state.isReleased
        }
        guard isReleased else { return }
        memory.release(held.ticket, held.share)
        throw CancellationError()
    }

    /// Sets what is called when the body loses its memory to another one while it is read.
    package func onDisplacement(_ reader: @escaping @Sendable () -> Void) {
        memory.onDisplacement(of: state.withLock(\.ticket), reader)
    }

    /// Notes that the whole body has been read. It is not displaced afterwards.
    /// - Throws: `SchedulerError.memoryExhausted` if it has been already.
    package func arrive() throws(SchedulerError) {
        let held = state.withLock { state in
            state.arrival = state.arrival ?? .now
            return state
        }
        guard held.bytes == 0 || memory.arrive(held.ticket, held.share) else {
            throw .memoryExhausted(retryAfter: memory.retryAfter)
        }
    }

    /// Moves the memory to the share of known callers, after waiting for room there.
    /// - Parameters:
    ///   - owner: the caller's key.
    ///   - limit: the longest time to wait; that of all bodies applies as well.
    /// - Throws: as ``grow(to:within:)``.
    package func move(toKnown owner: String?, within limit: Duration? = nil) async throws {
        let held = state.withLock { $0 }
        guard held.share != .bodies else { return }
        let ticket = memory.newTicket()
        if held.bytes > 0 {
            let maximum = memory.budget.limits[.bodies]
            guard held.bytes <= maximum else { throw MemoryBudgetError.tooLarge(bytes: held.bytes, limit: maximum) }
            try check(
                await memory.reserve(
                    held.bytes, ticket, owner: owner, of: .bodies, within: limit, isGrowing: false))
            guard memory.arrive(ticket, .bodies) else { throw SchedulerError.memoryExhausted(retryAfter: 1) }
        }
        let isReleased = state.withLock { state in
            (state.ticket, state.share, state.owner) = (ticket, .bodies, owner)
            return state.isReleased
        }
        memory.release(held.ticket, held.share)
        if isReleased { memory.release(ticket, .bodies) }
    }

    /// Releases the memory. Repeated calls have no effect.
    package func release() {
        let (ticket, share) = state.withLock { state in
            (state.bytes, state.isReleased) = (0, true)
            return (state.ticket, state.share)
        }
        memory.release(ticket, share)
    }

    private func check(_ outcome: BodyMemory.Outcome) throws {
        switch outcome {
        case .granted: break
        case .cancelled: throw CancellationError()
        case .expired, .displaced, .refused: throw SchedulerError.memoryExhausted(retryAfter: memory.retryAfter)
        }
    }
}
