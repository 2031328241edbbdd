import RuntimeSupport

/// A thread for calls that block in the file system. A call that does not return in time is left behind, and the next one gets another
/// thread.
actor FileThread {
    /// Why a call has no result.
    enum Failure: Error, CustomStringConvertible {
        /// The call did not return within the given time.
        case timedOut(Duration)
        /// An earlier call for the same subject has not returned.
        case stuck
        /// Too many calls have not returned.
        case allStuck

        var description: String {
            switch self {
            case .timedOut(let limit): "The file system did not answer within \(limit.components.seconds) s."
            case .stuck, .allStuck: "The file system does not answer."
            }
        }
    }

    /// Threads that may be left behind at once.
    private static let maxStuck = 8
    private let name: String
    private let clock: MonotonicClock
    private var executor: WorkerPool
    /// The subjects of calls that were left behind and have not returned.
    private var stuck: Set<String> = []

    /// - Parameter name: of the thread.
    init(name: String, clock: MonotonicClock) {
        self.name = name
        self.clock = clock
        executor = WorkerPool(name: name, threadCount: 1)
    }

    /// Calls a function on the thread.
    /// - Parameter subject: what the call is about, such as a path: there is one call at a time for it.
    /// - Throws: `Failure`, what the function throws, or `CancellationError` as soon as the task is canceled.
    func call<Success: Sendable>(
        _ subject: String, limit: Duration, _ body: @escaping @Sendable () throws -> Success
    ) async throws -> Success {
        try Task.checkCancellation()
        guard !stuck.contains(subject) else { throw Failure.stuck }
        guard stuck.count < Self.maxStuck else { throw Failure.allStuck }
        let (results, source) = AsyncStream.makeStream(of: Result<Success, any Error>.self)
        let work = Task.detached(executorPreference: executor) {
            _ = source.yield(Result(catching: body))
        }
        let timer = Task {
            try await clock.sleep(limit)
            source.finish()
        }
        defer { timer.cancel() }
        for await result in results { return try result.get() }
        stuck.insert(subject)
        executor = WorkerPool(name: name, threadCount: 1)
        Task {
            await work.value
            stuck.remove(subject)
        }
        // The stream also ends when the calling task is canceled.
        try Task.checkCancellation()
        throw Failure.timedOut(limit)
    }
}
