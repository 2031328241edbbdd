package import InstanceSegmentation
import Synchronization

/// A loaded model: the sessions of a runtime, and threads on which they run.
///
/// At most `maxConcurrency` runs are active. Further callers wait in FIFO order; a caller whose task is canceled stops
/// waiting at once, and a run that is active is asked to end (`RunInterruption`). How many callers may wait is not bounded here: bound the
/// number of calls.
package final class SessionPool: LoadedModel {
    /// A session whose runs use several threads each.
    package struct WideSession: Sendable {
        /// Most runs that use the session at a time.
        package let count: Int
        /// Runs the network.
        package let run: BlockingRun

        /// Describes a session that is loaded.
        package init(count: Int, run: @escaping BlockingRun) {
            self.count = count
            self.run = run
        }
    }

    package let modelDescription: ModelDescription
    package let maxConcurrency: Int
    private let sessions: Sessions
    private let threads: [InferenceThread]
    private let state: Mutex<State>

    private struct State {
        var queue: RunQueue
        var lastTicket = 0
        /// The callers that wait, by ticket.
        var callers: [Int: CheckedContinuation<RunQueue.Slot, any Error>] = [:]
    }

    /// Starts the threads.
    /// - Parameters:
    ///   - maxConcurrency: most runs that are active, at least 1.
    ///   - wide: the session for few runs, if it is another one.
    ///   - run: the session for any number of runs up to `maxConcurrency`.
    package init(
        model: ModelDescription, maxConcurrency: Int, wide: WideSession? = nil, run: @escaping BlockingRun
    ) {
        self.modelDescription = model
        self.maxConcurrency = max(maxConcurrency, 1)
        sessions = Sessions(run: run, wide: wide?.run ?? run)
        threads = (1...self.maxConcurrency).map { InferenceThread(name: "inference \($0)") }
        state = Mutex(State(queue: RunQueue(threadCount: threads.count, wideCount: wide?.count ?? 0)))
    }

    /// The sessions are released on a thread of their own: that joins threads and frees up to gigabytes.
    deinit {
        sessions.releaseOnThread()
    }

    /// Runs the network.
    /// - Throws: `CancellationError`, or the runtime's error.
    package func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        try Task.checkCancellation()
        let (slot, queued) = try await takeSlot()
        defer { release(slot) }
        if queued > .zero { try Task.checkCancellation() }
        let interruption = RunInterruption()
        var result = try await withTaskCancellationHandler {
            try await RunInterruption.$current.withValue(interruption) {
                try await threads[slot.thread].infer(inputs, with: session(slot.isWide))
            }
        } onCancel: {
            interruption.request()
        }
        result.queueDuration = queued
        return result
    }

    /// Runs every session on every thread that may use it. Runs of other callers are not waited for.
    package func warmUp(_ inputs: [String: Tensor]) async throws {
        // A session's first run plans its memory, and the second is the first to use the plan.
        for _ in 0..<2 { _ = try await threads[0].infer(inputs, with: session(true)) }
        guard threads.count > 1 else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in threads { group.addTask { _ = try await thread.infer(inputs, with: self.session(false)) } }
            try await group.waitForAll()
        }
    }

    /// The number of runs that are active or wait.
    var pending: Int { state.withLock { $0.queue.pending } }

    private func session(_ isWide: Bool) -> BlockingRun {
        // The thread that runs borrows the session; no caller ever holds a reference to it.
        { [sessions] inputs in try sessions.run(inputs, isWide: isWide) }
    }

    // MARK: Waiting

    /// A slot, and the time that was spent waiting for it: zero if one was free.
    private func takeSlot() async throws -> (RunQueue.Slot, Duration) {
        let (free, ticket) = state.withLock { state in
            state.lastTicket += 1
            return (state.queue.enter(), state.lastTicket)
        }
        if let free { return (free, .zero) }
        let start = ContinuousClock.now
        let slot = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { wait(ticket, $0) }
        } onCancel: {
            let caller = state.withLock { $0.queue.remove(ticket) ? $0.callers.removeValue(forKey: ticket) : nil }
            caller?.resume(throwing: CancellationError())
        }
        return (slot, ContinuousClock.now - start)
    }

    private func wait(_ ticket: Int, _ caller: CheckedContinuation<RunQueue.Slot, any Error>) {
        let outcome: Result<RunQueue.Slot, any Error>? = state.withLock { state in
            if let free = state.queue.enter() { return .success(free) }
            // A task that is canceled later finds the caller in the queue.
            if Task.isCancelled { return .failure(CancellationError()) }
            state.queue.wait(ticket)
            state.callers[ticket] = caller
            return nil
        }
        if let outcome { caller.resume(with: outcome) }
    }

    private func release(_ slot: RunQueue.Slot) {
        let next = state.withLock { state in
            state.queue.leave(slot).flatMap { next in
                state.callers.removeValue(forKey: next.ticket).map { (caller: $0, slot: next.slot) }
            }
        }
        if let next { next.caller.resume(returning: next.slot) }
    }
}
