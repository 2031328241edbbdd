import Synchronization

/// Grants the slots of the whole machine to requests, fairly between callers and models and within a memory budget, and bounds
/// how many wait and for how long. The decisions are those of ``SchedulerQueue``.
package actor Scheduler {
    /// The bounds.
    package nonisolated let limits: SchedulerLimits
    /// The memory that images are reserved in and that request bodies share.
    package nonisolated let memory: MemoryBudget
    private nonisolated let clock: SchedulerClock
    private nonisolated let board: Mutex<Board>
    private var queue: SchedulerQueue<Int>
    private var rate = ServiceRate()
    private var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
    private var lastTicket = 0

    /// How waiting ends.
    private enum Outcome {
        case granted, cancelled, timedOut, displaced
    }

    /// How a granted request ends.
    private enum Ending {
        case completed, failed, cancelled
        /// Canceled or past its deadline when the slot was granted, so that it did not run.
        case unused
    }

    /// The right to run, held by one call.
    private struct Permit: Sendable {
        let ticket: Int
        let bytes: Int
        let waited: Duration
        let start: Duration
    }

    /// What is readable without entering the actor.
    private struct Board {
        var snapshot: SchedulerSnapshot
        /// The key with the most waiting requests, known while the queue is full.
        var longest: (key: String?, waiting: Int)?
    }

    /// Creates a scheduler.
    /// - Parameters:
    ///   - limits: how many requests run and wait.
    ///   - memory: the budget, of which this scheduler becomes the observer and the only user of images.
    ///   - clock: what waiting is measured with.
    package init(limits: SchedulerLimits, memory: MemoryBudget, clock: some Clock<Duration> = ContinuousClock()) {
        self.limits = limits
        self.memory = memory
        self.clock = SchedulerClock(clock)
        board = Mutex(Board(snapshot: SchedulerSnapshot(capacity: limits.slots)))
        queue = SchedulerQueue(
            slots: limits.slots, maxWaiting: limits.maxQueue, maxBytes: memory.limits.largestImages)
        // Only after images were refused for lack of memory, and only for as long as it takes to grant them.
        memory.onRelease(for: .images) { [weak self] in Task { await self?.grantWaiting() } }
    }

    /// Runs a closure while holding a slot and memory for images, after waiting for both.
    /// - Parameters:
    ///   - model: the identifier of the model.
    ///   - key: the caller's key, nil if it has none.
    ///   - bytes: the memory for decoded images that the request holds while it runs.
    ///   - deadline: the time from now after which it must not start; the queue timeout applies as well.
    ///   - body: the work. It receives the time that the request waited, and runs where this method was called.
    /// - Returns: what the closure returns.
    /// - Throws: `SchedulerError` or `CancellationError` if the closure was not called, else what it throws.
    package nonisolated(nonsending) func withSlot<Result: Sendable>(
        model: String, key: String?, bytes: Int, deadline: Duration?,
        _ body: nonisolated(nonsending) (_ waited: Duration) async throws -> Result
    ) async throws -> Result {
        let permit = try await acquire(SchedulerFlow(key: key, model: model), bytes: bytes, deadline: deadline)
        do {
            let result = try await body(permit.waited)
            await release(permit, .completed)
            return result
        } catch {
            await release(permit, error is CancellationError || Task.isCancelled ? .cancelled : .failed)
            throw error
        }
    }

    /// The state at this moment.
    package nonisolated var snapshot: SchedulerSnapshot { board.withLock(\.snapshot) }

    /// Whether a request that arrives now would be refused, or would displace another one.
    package nonisolated var isFull: Bool { board.withLock { $0.longest != nil } }

    /// Refuses a request early, before its body is read, if it would be refused afterwards. Does not wait for the actor.
    /// - Parameter key: the caller's key; `nil` if it has none or it is not known yet. A queue that one caller fills
    ///   still admits requests of another caller's key.
    /// - Throws: `SchedulerError.queueFull`.
    package nonisolated func checkRoom(key: String? = nil) throws(SchedulerError) {
        try board.withLock { board throws(SchedulerError) in
            guard let longest = board.longest, longest.waiting < 2 || longest.key == key else { return }
            board.snapshot.refused += 1
            throw .queueFull(retryAfter: board.snapshot.retryAfter)
        }
    }

    private func acquire(_ flow: SchedulerFlow, bytes: Int, deadline: Duration?) async throws -> Permit {
        let arrival = clock.now()
        let limit = min(deadline ?? limits.queueTimeout, limits.queueTimeout)
        lastTicket += 1
        let ticket = lastTicket
        guard !Task.isCancelled else { throw ended(.cancelled, waited: .zero) }
        guard limit > .zero, canStart(flow, bytes, within: limit) else { throw refused() }
        let entrance = queue.enter(ticket, flow: flow, bytes: bytes) { memory.reserve($0, of: .images) }
        if let displaced = entrance.displaced { waiters.removeValue(forKey: displaced)?.resume(returning: .displaced) }
        resume(entrance.granted)
        switch entrance.decision {
        case .run:
            publish()
            return Permit(ticket: ticket, bytes: bytes, waited: .zero, start: arrival)
        case .queueFull:
            throw refused()
        case .tooLarge:
            board.withLock { $0.snapshot.refused += 1 }
            throw SchedulerError.tooLarge(bytes: bytes, limit: queue.maxBytes)
        case .wait:
            publish()
        }
        let outcome = await outcome(of: ticket, within: limit)
        let now = clock.now()
        let permit = Permit(ticket: ticket, bytes: bytes, waited: now - arrival, start: now)
        guard case .granted = outcome else { throw ended(outcome, waited: permit.waited) }
        // The slot may come at the same time as the cancellation or the deadline. Then no work is spent on the request.
        guard !Task.isCancelled, permit.waited < limit else {
            release(permit, .unused)
            throw ended(Task.isCancelled ? .cancelled : .timedOut, waited: permit.waited)
        }
        return permit
    }

    /// Whether a request is expected to start in time, as far as that can be told.
    private func canStart(_ flow: SchedulerFlow, _ bytes: Int, within limit: Duration) -> Bool {
        guard !queue.hasFreeSlot, bytes <= queue.maxBytes, rate.isReliable else { return true }
        return rate.estimatedWait(position: queue.position(of: flow), slots: queue.slots) <= limit
    }

    /// Waits until a request is granted or gives up. Nothing is awaited between its entrance and the start of the wait, so that
    /// no outcome is missed.
    private func outcome(of ticket: Int, within limit: Duration) async -> Outcome {
        async let _ = endWait(of: ticket, after: limit)
        return await withCheckedContinuation { waiters[ticket] = $0 }
    }

    /// Ends the wait of a request when its time is over, or at once when its task is canceled. That this method's own task is
    /// canceled means one or the other: the caller is gone, or the wait is over and there is nothing to end.
    private func endWait(of ticket: Int, after limit: Duration) async {
        var outcome = Outcome.timedOut
        do { try await clock.sleep(limit) } catch { outcome = .cancelled }
        let (wasWaiting, granted) = queue.remove(ticket) { memory.reserve($0, of: .images) }
        guard wasWaiting else { return }
        waiters.removeValue(forKey: ticket)?.resume(returning: outcome)
        resume(granted)
        publish()
    }

    private func grantWaiting() {
        resume(queue.grantWaiting { memory.reserve($0, of: .images) })
        publish()
    }

    private func release(_ permit: Permit, _ ending: Ending) {
        memory.release(permit.bytes, of: .images, exceptFor: [.images])
        resume(queue.leave(permit.ticket) { memory.reserve($0, of: .images) })
        // Work that was cut short says nothing about how long work takes.
        if case .completed = ending {
            let end = clock.now()
            rate.record(serviceTime: end - permit.start, end: end)
        }
        publish(ending)
    }

    private func resume(_ granted: [Int]) {
        for ticket in granted { waiters.removeValue(forKey: ticket)?.resume(returning: .granted) }
    }

    private func refused() -> SchedulerError {
        board.withLock { board in
            board.snapshot.refused += 1
            return .queueFull(retryAfter: board.snapshot.retryAfter)
        }
    }

    /// Counts a request that did not run, and returns its error.
    private func ended(_ outcome: Outcome, waited: Duration) -> any Error {
        switch outcome {
        case .granted, .displaced: return refused()
        case .cancelled:
            board.withLock { board in
                board.snapshot.cancelled += 1
                board.snapshot.cancelledWaiting += 1
            }
            return CancellationError()
        case .timedOut:
            board.withLock { $0.snapshot.timedOut += 1 }
            return SchedulerError.deadlineExceeded(waited: waited)
        }
    }

    /// Writes what is readable without entering the actor.
    private func publish(_ ending: Ending = .unused) {
        let retryAfter = rate.retryAfter(waiting: queue.waiting, slots: queue.slots)
        let longest = queue.isFull ? queue.longestBacklog ?? (nil, 0) : nil
        board.withLock { board in
            board.longest = longest
            board.snapshot.waiting = queue.waiting
            board.snapshot.running = queue.running
            board.snapshot.bytes = queue.bytes
            board.snapshot.retryAfter = retryAfter
            board.snapshot.completionsPerSecond = rate.completionsPerSecond
            switch ending {
            case .completed: board.snapshot.completed += 1
            case .failed: board.snapshot.failed += 1
            case .cancelled: board.snapshot.cancelled += 1
            case .unused: break
            }
        }
    }
}
