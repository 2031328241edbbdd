/// A serial executor with a thread of its own, for actors that call functions which block.
///
/// The thread ends with the executor, which lives until its last job has run.
package final class ThreadExecutor: SerialExecutor {
    private let jobs: ThreadJobs

    /// Starts the thread.
    /// - Parameter name: the thread's name, of which Linux keeps 15 bytes.
    package init(name: String) {
        jobs = ThreadJobs(threadName: name)
    }

    deinit {
        jobs.close()
    }

    /// Runs a job on the thread, after the jobs before it.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Jobs only know an unowned reference of their executor, so each keeps the executor itself alive.
        jobs.append { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Stops the process unless the calling thread is the executor's.
    package func checkIsolated() {
        precondition(jobs.isOnThread, "this must run on the executor's thread")
    }
}
