import Synchronization

/// Accounts for the memory of responses from their creation until their clients have read them, and refuses predictions
/// while it is exhausted. The decisions are those of ``UnreadAnswers``.
package final class AnswerMemory: Sendable {
    private struct State {
        var answers: UnreadAnswers<Int>
        var lastTicket = 0
        /// Closures that close the connections of abandoned responses.
        var closings: [Int: @Sendable () -> Void] = [:]
    }

    private let budget: MemoryBudget
    private let clock: SchedulerClock
    private let state: Mutex<State>

    /// Creates an account without responses.
    ///
    /// - Parameter clock: measures the age of responses.
    package init(budget: MemoryBudget, clock: some Clock<Duration> = ContinuousClock()) {
        self.budget = budget
        self.clock = SchedulerClock(clock)
        state = Mutex(State(answers: UnreadAnswers(limit: budget.limits.answers)))
    }

    /// Checks that there is memory for another response. Responses that have not been read for some seconds are
    /// abandoned for it.
    /// - Throws: `SchedulerError.memoryExhausted`.
    package func requireRoom() throws(SchedulerError) {
        let now = clock.now()
        let (removed, wait) = state.withLock { state in
            let (givenUp, wait) = state.answers.makeRoom(now: now)
            return (givenUp.compactMap { remove($0, &state) }, wait)
        }
        // Outside of the lock, because releasing memory resumes requests that wait for it.
        for answer in removed {
            budget.release(answer.bytes, of: .answers)
            answer.close?()
        }
        guard let wait else { return }
        throw .memoryExhausted(retryAfter: max(1, Int((wait / .seconds(1)).rounded(.up))))
    }

    /// Accounts for a new response.
    /// - Parameters:
    ///   - owner: the caller's key, or its network on a server without keys.
    ///   - close: closes the connection; called at most once and on any thread, when the response is abandoned.
    package func hold(_ bytes: Int, owner: String?, close: @escaping @Sendable () -> Void) -> AnswerLease {
        let now = clock.now()
        let ticket = state.withLock { state in
            state.lastTicket += 1
            state.answers.add(state.lastTicket, owner: owner, bytes: bytes, now: now)
            state.closings[state.lastTicket] = close
            return state.lastTicket
        }
        budget.count(bytes, of: .answers)
        return AnswerLease(ticket: ticket, memory: self)
    }

    fileprivate func release(_ ticket: Int) {
        guard let removed = state.withLock({ remove(ticket, &$0) }) else { return }
        budget.release(removed.bytes, of: .answers)
    }

    private func remove(_ ticket: Int, _ state: inout State) -> (bytes: Int, close: (@Sendable () -> Void)?)? {
        guard let bytes = state.answers.remove(ticket) else { return nil }
        return (bytes, state.closings.removeValue(forKey: ticket))
    }
}

/// The memory of one response. It is released with the lease at the latest.
package final class AnswerLease: Sendable {
    private let ticket: Int
    private let memory: AnswerMemory

    fileprivate init(ticket: Int, memory: AnswerMemory) {
        self.ticket = ticket
        self.memory = memory
    }

    deinit { release() }

    /// Releases the memory. Repeated calls have no effect.
    package func release() { memory.release(ticket) }
}
