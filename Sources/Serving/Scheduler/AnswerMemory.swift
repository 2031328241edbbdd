import Synchronization

/// Accounts for the memory of answers from when they are made until their clients have read them, and refuses predictions while there is
/// no room for their answers. The decisions are those of ``UnreadAnswers``.
package final class AnswerMemory: Sendable {
    private struct State {
        var answers: UnreadAnswers<Int>
        var lastTicket = 0
        /// What ends the connections of answers that are given up.
        var closings: [Int: @Sendable () -> Void] = [:]
    }

    private let budget: MemoryBudget
    private let clock: SchedulerClock
    private let state: Mutex<State>

    /// Creates an account in which there are no answers.
    /// - Parameter clock: what the age of answers is measured with.
    package init(budget: MemoryBudget, clock: some Clock<Duration> = ContinuousClock()) {
        self.budget = budget
        self.clock = SchedulerClock(clock)
        state = Mutex(State(answers: UnreadAnswers(limit: budget.limits.answers)))
    }

    /// Checks that there is room for another answer. Answers that have not been read for some seconds are given up for it.
    /// - Throws: `SchedulerError.memoryExhausted`.
    package func requireRoom() throws(SchedulerError) {
        let now = clock.now()
        let (removed, wait) = state.withLock { state in
            let (givenUp, wait) = state.answers.makeRoom(now: now)
            return (givenUp.compactMap { remove($0, &state) }, wait)
        }
        // Outside of the lock: whoever waits for the memory goes on at once.
        for answer in removed {
            budget.release(answer.bytes, of: .answers)
            answer.close?()
        }
        guard let wait else { return }
        throw .memoryExhausted(retryAfter: max(1, Int((wait / .seconds(1)).rounded(.up))))
    }

    /// Accounts for an answer that has been made.
    /// - Parameters:
    ///   - owner: the caller's key, or its network where there are no keys.
    ///   - close: ends the connection; called at most once and on any thread when the answer is given up.
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

/// The memory of one answer. It is released with the lease at the latest.
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
