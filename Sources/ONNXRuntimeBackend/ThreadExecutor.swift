import Foundation
import Synchronization

/// A serial executor with a thread of its own, for calls that block. The thread ends with the executor.
final class ThreadExecutor: SerialExecutor {
    private let jobs = JobLine()

    init(name: String) {
        let jobs = jobs
        let thread = Thread { jobs.work() }
        thread.name = name
        thread.start()
    }

    deinit {
        jobs.close()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedSerialExecutor()
        jobs.append { job.runSynchronously(on: executor) }
    }
}

/// Work that waits for a thread.
///
/// `@unchecked Sendable`: the state is only touched with the condition locked.
private final class JobLine: @unchecked Sendable {
    private let condition = NSCondition()
    private var waiting: [@Sendable () -> Void] = []
    private var isClosed = false

    func append(_ job: @escaping @Sendable () -> Void) {
        condition.lock()
        waiting.append(job)
        condition.signal()
        condition.unlock()
    }

    func close() {
        condition.lock()
        isClosed = true
        condition.signal()
        condition.unlock()
    }

    /// Runs jobs in their order until the line is closed and empty.
    func work() {
        while true {
            condition.lock()
            while waiting.isEmpty && !isClosed { condition.wait() }
            guard !waiting.isEmpty else { return condition.unlock() }
            let job = waiting.removeFirst()
            condition.unlock()
            job()
        }
    }
}
