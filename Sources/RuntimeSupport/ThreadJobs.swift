import Dispatch
import Foundation
import Synchronization

/// Jobs that wait, and the threads that run them until the line is closed. Jobs of a kind start in FIFO order; ``JobOrder``
/// decides between the kinds.
final class ThreadJobs: Sendable {
    private typealias Job = @Sendable () -> Void

    private struct State {
        var order: JobOrder<Job>
        /// The number of times that a thread found only background jobs that may not run yet.
        var blocked = 0
    }

    private let state: Mutex<State>
    /// Counts what the threads have not looked at: jobs, and one end for each thread.
    private let pending = DispatchSemaphore(value: 0)
    private let threadCount: Int

    /// Starts the threads.
    /// - Parameters:
    ///   - threadName: the name that debuggers and `top` show; Linux keeps 15 bytes of it.
    ///   - threadCount: the number of threads, at least 1.
    init(threadName: String, threadCount: Int = 1) {
        self.threadCount = max(threadCount, 1)
        state = Mutex(State(order: JobOrder(threadCount: self.threadCount)))
        for _ in 0..<self.threadCount {
            // The system's name of a thread can be set by the thread itself, once `start` has returned.
            let hasStarted = DispatchSemaphore(value: 0)
            let thread = Thread {
                hasStarted.wait()
                Thread.current.name = threadName
                Thread.current.threadDictionary[Self.ownerKey] = ObjectIdentifier(self)
                self.work()
            }
            thread.start()
            hasStarted.signal()
        }
    }

    private static let ownerKey = "silhouette.jobs"

    /// Whether the calling thread is one of these.
    var isOnThread: Bool {
        Thread.current.threadDictionary[Self.ownerKey] as? ObjectIdentifier == ObjectIdentifier(self)
    }

    /// Adds a job, which some thread runs after those of its kind that were added before it.
    func append(isBackground: Bool = false, _ job: @escaping @Sendable () -> Void) {
        state.withLock { $0.order.append(job, isBackground: isBackground) }
        pending.signal()
    }

    /// Ends the threads once no job waits. To be called once, when no more jobs are added.
    func close() {
        for _ in 0..<threadCount { pending.signal() }
    }

    private func work() {
        while true {
            pending.wait()
            let next = state.withLock { state in
                let next = state.order.next()
                if case .blocked = next { state.blocked += 1 }
                return next
            }
            switch next {
            case .job(let job, let isBackground):
                job()
                if isBackground { endBackground() }
            case .blocked: continue
            // A signal without a job is the end of one thread: all jobs have been taken.
            case .none: return
            }
        }
    }

    /// Lets a thread look again that found only background jobs which could not run.
    private func endBackground() {
        let isBlocked = state.withLock { state in
            state.order.endBackground()
            guard state.blocked > 0 else { return false }
            state.blocked -= 1
            return true
        }
        if isBlocked { pending.signal() }
    }
}
