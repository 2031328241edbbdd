import Dispatch
import Foundation
import Synchronization

/// Jobs in FIFO order, and the threads that run them until the line is closed.
final class ThreadJobs: Sendable {
    private let waiting = Mutex(FIFOQueue<@Sendable () -> Void>())
    /// Counts what the threads have not looked at: jobs, and one end for each thread.
    private let pending = DispatchSemaphore(value: 0)
    private let threadCount: Int

    /// Starts the threads.
    /// - Parameters:
    ///   - threadName: the name that debuggers and `top` show; Linux keeps 15 bytes of it.
    ///   - threadCount: the number of threads, at least 1.
    init(threadName: String, threadCount: Int = 1) {
        self.threadCount = max(threadCount, 1)
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

    /// Adds a job, which some thread runs after those that were added before it.
    func append(_ job: @escaping @Sendable () -> Void) {
        waiting.withLock { $0.append(job) }
        pending.signal()
    }

    /// Ends the threads once no job waits. To be called once, when no more jobs are added.
    func close() {
        for _ in 0..<threadCount { pending.signal() }
    }

    private func work() {
        while true {
            pending.wait()
            // A signal without a job is the end of one thread: all jobs have been taken.
            guard let job = waiting.withLock({ $0.popFirst() }) else { return }
            job()
        }
    }
}
