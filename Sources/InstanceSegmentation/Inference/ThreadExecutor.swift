import Dispatch
import Foundation
import Synchronization

/// A serial executor with a thread of its own, for calls that block. The thread ends with the executor.
package final class ThreadExecutor: SerialExecutor {
    private let jobs: JobLine

    package init(name: String) {
        jobs = JobLine(threadName: name)
    }

    deinit {
        jobs.close()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedSerialExecutor()
        jobs.append { job.runSynchronously(on: executor) }
    }
}

/// A task executor with a thread of its own, for nonisolated functions that block. The thread ends with the executor.
package final class ThreadTaskExecutor: TaskExecutor {
    private let jobs: JobLine

    package init(name: String) {
        jobs = JobLine(threadName: name)
    }

    deinit {
        jobs.close()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        jobs.append { job.runSynchronously(on: executor) }
    }
}

/// Work that waits for a thread.
private final class JobLine: Sendable {
    private let waiting = Mutex<[@Sendable () -> Void]>([])
    /// Counts what the thread has not looked at: jobs, and the end.
    private let news = DispatchSemaphore(value: 0)

    /// Starts the thread.
    init(threadName: String) {
        let thread = Thread {
            Thread.current.name = threadName  // here, since the system's name is only that of a thread that runs
            self.work()
        }
        thread.start()
    }

    func append(_ job: @escaping @Sendable () -> Void) {
        waiting.withLock { $0.append(job) }
        news.signal()
    }

    func close() {
        news.signal()
    }

    /// Runs jobs in their order until the line is closed and empty.
    private func work() {
        while true {
            news.wait()
            let job = waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            guard let job else { return }  // what is left when no job is, is the end
            job()
        }
    }
}
