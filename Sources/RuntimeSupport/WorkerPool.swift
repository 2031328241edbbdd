import Foundation

/// A task executor with threads of its own, so that long computations and calls that block do not occupy Swift's
/// cooperative threads.
///
/// ```swift
/// try await withTaskExecutorPreference(pool) { try decode(bytes) }
/// ```
///
/// Jobs start in FIFO order, as many at a time as there are threads; those of ``background`` after the others. The threads
/// end with the pool, which lives until its last job has run. The number of jobs that wait is not bounded here: bound the number of tasks that prefer the
/// pool.
package final class WorkerPool: TaskExecutor {
    private let jobs: ThreadJobs
    /// The number of jobs that run at a time.
    package let threadCount: Int

    /// Starts the threads.
    /// - Parameters:
    ///   - name: the threads' name, of which Linux keeps 15 bytes.
    ///   - threadCount: the number of threads, at least 1. Default: the number of cores.
    package init(name: String = "pixels", threadCount: Int = ProcessInfo.processInfo.activeProcessorCount) {
        self.threadCount = max(threadCount, 1)
        jobs = ThreadJobs(threadName: name, threadCount: threadCount)
    }

    deinit {
        jobs.close()
    }

    /// Runs a job on one of the threads, after the jobs before it have started.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Jobs only know an unowned reference of their executor, so each keeps the executor itself alive.
        jobs.append { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// The same threads for work that others must not wait for: it leaves one of several threads free, and starts after
    /// the other jobs, at most three of which overtake one that waits.
    package var background: some TaskExecutor { BackgroundWorkers(pool: self, jobs: jobs) }
}

/// Runs jobs on the threads of a pool after its other jobs.
private final class BackgroundWorkers: TaskExecutor {
    /// Keeps the threads.
    private let pool: WorkerPool
    private let jobs: ThreadJobs

    init(pool: WorkerPool, jobs: ThreadJobs) {
        self.pool = pool
        self.jobs = jobs
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.append(isBackground: true) { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Calls a function that blocks on a thread that is started for it, whatever the caller's executor.
///
/// A function that never returns suspends its caller for ever, but blocks no other.
/// - Parameter name: the thread's name, of which Linux keeps 15 bytes.
package func onThread<Result: Sendable, Failure: Error>(
    named name: String, _ body: @Sendable () throws(Failure) -> Result
) async throws(Failure) -> Result {
    try await withTaskExecutorPreference(WorkerPool(name: name, threadCount: 1)) { () async throws(Failure) in
        try await call(body)
    }
}

/// Calls a function where the task prefers to run.
@concurrent private func call<Result: Sendable, Failure: Error>(
    _ body: @Sendable () throws(Failure) -> Result
) async throws(Failure) -> Result {
    try body()
}
