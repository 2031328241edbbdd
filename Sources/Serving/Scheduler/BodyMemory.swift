import Synchronization

/// Grants memory to request bodies, and queues those that do not fit. The decisions are those of two ``BodyQueue``
/// values: one for callers that have shown a key, one for strangers.
package final class BodyMemory: Sendable {
    /// What ends the wait of a body.
    enum Outcome {
        case granted, expired, displaced, refused, cancelled
    }

    private struct State {
        var queues: [MemoryShare: BodyQueue<Int>]
        var lastTicket = 0
        var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
        /// What tells the reader of a body that it has been displaced.
        var readers: [Int: @Sendable () -> Void] = [:]
        var isTicking = false
        /// How long the body that asked for memory last has waited.
        var lastWait = Duration.zero
    }

    /// The budget that memory comes from.
    package let budget: MemoryBudget
    private let timeout: Duration
    private let clock: SchedulerClock
    private let state: Mutex<State>

    /// How often time is looked at while bodies wait.
    private static var tick: Duration { .milliseconds(50) }

    /// Creates the memory of two shares, of which this becomes the observer.
    /// - Parameters:
    ///   - largestBody: the size of the largest body that strangers may send, in bytes.
    ///   - maxWaiting: the number of bodies that may wait in each share.
    ///   - timeout: the longest time that a body may wait.
    ///   - clock: what waiting is measured with.
    package init(
        budget: MemoryBudget, largestBody: Int, maxWaiting: Int, timeout: Duration,
        clock: some Clock<Duration> = ContinuousClock()
    ) {
        self.budget = budget
        self.timeout = timeout
        self.clock = SchedulerClock(clock)
        let limits = budget.limits
        state = Mutex(
            State(queues: [
                .bodies: BodyQueue(rules: .known(limit: limits.bodies, maxWaiting: maxWaiting)),
                .strangerBodies: BodyQueue(
                    rules: .strangers(limit: limits.strangerBodies, largestBody: largestBody, maxWaiting: maxWaiting)),
            ]))
        for share in [MemoryShare.bodies, .strangerBodies] {
            budget.onRelease(for: share) { [weak self] in self?.advance(share) }
        }
    }

    /// The number of bodies of a share that wait.
    package func waiting(in share: MemoryShare) -> Int { state.withLock { $0.queues[share]?.waitingCount ?? 0 } }

    /// The time after which a refused client should try again, in whole seconds from 1 to 60: about as long as bodies wait at
    /// present.
    package var retryAfter: Int {
        let now = clock.now()
        let longest = state.withLock { state in
            state.queues.values.reduce(state.lastWait) { max($0, $1.longestWait(now)) }
        }
        return Int(min(60, max(1, (longest / .seconds(1)).rounded(.up))))
    }

    // MARK: Leases

    /// A number for a body.
    func newTicket() -> Int {
        state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
    }

    /// Asks for memory and waits for it, at most until the limit or until the task is canceled.
    /// - Parameter isGrowing: whether the body holds memory already, unless it has been displaced meanwhile.
    func reserve(
        _ bytes: Int, _ ticket: Int, owner: String?, of share: MemoryShare, within limit: Duration?, isGrowing: Bool
    ) async -> Outcome {
        let start = clock.now()
        let deadline = start + min(limit ?? timeout, timeout)
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let decided = state.withLock { state -> (outcome: Outcome?, effects: [@Sendable () -> Void]) in
                    if Task.isCancelled { return (.cancelled, []) }
                    if isGrowing, !(state.queues[share]?.contains(ticket) ?? false) { return (.displaced, []) }
                    let answer = state.queues[share]?.ask(
                        ticket, owner: owner, bytes: bytes, now: start, deadline: deadline, memory(share))
                    let effects = perform(answer?.changes, &state)
                    switch answer?.decision {
                    case .granted: return (.granted, effects)
                    case .wait where deadline > start:
                        state.waiters[ticket] = continuation
                        return (nil, effects + [startTicking(&state)].compactMap(\.self))
                    case .wait:
                        state.queues[share]?.cancel(ticket)
                        return (.expired, effects)
                    case .displaced: return (.displaced, effects)
                    case .refused, nil: return (.refused, effects)
                    }
                }
                for effect in decided.effects { effect() }
                if let outcome = decided.outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.queues[share]?.cancel(ticket)
                return state.waiters.removeValue(forKey: ticket)
            }
            waiter?.resume(returning: .cancelled)
        }
        let waited = clock.now() - start
        state.withLock { $0.lastWait = waited }
        return outcome
    }

    /// Sets what is called, once and on any thread, when a body is displaced while it arrives.
    func onDisplacement(of ticket: Int, _ reader: (@Sendable () -> Void)?) {
        state.withLock { $0.readers[ticket] = reader }
    }

    /// Notes that a body has been read. Returns false if it has been displaced.
    func arrive(_ ticket: Int, _ share: MemoryShare) -> Bool {
        state.withLock { state in
            state.readers[ticket] = nil
            return state.queues[share]?.arrive(ticket) ?? false
        }
    }

    /// Releases the memory of a body.
    func release(_ ticket: Int, _ share: MemoryShare) {
        let now = clock.now()
        let effects = state.withLock { state in
            state.readers[ticket] = nil
            return perform(state.queues[share]?.leave(ticket, now: now, memory(share)), &state)
        }
        for effect in effects { effect() }
    }

    // MARK: Changes

    private func memory(_ share: MemoryShare) -> BodyQueue<Int>.Memory {
        // Nothing that waits for another share may be told while this one is locked.
        BodyQueue.Memory(
            reserve: { [budget] in budget.reserve($0, of: share) },
            release: { [budget] in budget.release($0, of: share, exceptFor: [.bodies, .strangerBodies]) })
    }

    private func advance(_ share: MemoryShare) {
        let now = clock.now()
        let effects = state.withLock { state in
            perform(state.queues[share]?.advance(to: now, memory(share)), &state)
        }
        for effect in effects { effect() }
    }

    /// Carries out what a queue decided. The effects are for outside of the lock.
    private func perform(_ changes: BodyQueue<Int>.Changes?, _ state: inout State) -> [@Sendable () -> Void] {
        guard let changes else { return [] }
        var effects: [@Sendable () -> Void] = []
        func end(_ tickets: [Int], _ outcome: Outcome) {
            for ticket in tickets {
                if let waiter = state.waiters.removeValue(forKey: ticket) {
                    effects.append { waiter.resume(returning: outcome) }
                } else if case .displaced = outcome, let reader = state.readers.removeValue(forKey: ticket) {
                    effects.append(reader)
                }
            }
        }
        end(changes.granted, .granted)
        end(changes.expired, .expired)
        end(changes.displaced, .displaced)
        return effects
    }

    /// Deadlines pass and bodies grow old: while any waits, the queues look at the time.
    private func startTicking(_ state: inout State) -> (@Sendable () -> Void)? {
        guard !state.isTicking else { return nil }
        state.isTicking = true
        return { [weak self, clock] in
            Task {
                repeat {
                    do { try await clock.sleep(Self.tick) } catch { return }
                } while self?.look() ?? false
            }
        }
    }

    /// Lets both queues look at the time.
    /// - Returns: whether any body still waits.
    private func look() -> Bool {
        advance(.bodies)
        advance(.strangerBodies)
        return state.withLock { state in
            state.isTicking = state.queues.values.contains { $0.waitingCount > 0 }
            return state.isTicking
        }
    }
}
