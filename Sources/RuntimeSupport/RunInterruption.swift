import Synchronization

/// Asks a run of a network to end early. A runtime that can do so registers itself for the time of its run.
package final class RunInterruption: Sendable {
    private struct State {
        var isRequested = false
        var handler: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// The interruption of the run that the current task makes.
    @TaskLocal package static var current: RunInterruption?

    /// Creates an interruption that is not requested.
    package init() {}

    /// Whether the run is to end.
    package var isRequested: Bool { state.withLock(\.isRequested) }

    /// Asks the run to end, from any thread. A run that has ended, or that cannot be interrupted, is not affected.
    package func request() {
        state.withLock { state in
            state.isRequested = true
            state.handler?()
        }
    }

    /// Runs a function that another thread may have ended.
    /// - Parameters:
    ///   - handler: asks the function to end, at once if that has been requested already. It is not called after the function has
    ///     returned, and it must not block.
    package func during<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result, orEndBy handler: @escaping @Sendable () -> Void
    ) throws(Failure) -> Result {
        state.withLock { state in
            if state.isRequested { handler() }
            state.handler = handler
        }
        defer { state.withLock { $0.handler = nil } }
        return try body()
    }
}
