import Synchronization

/// The time that a fetch takes, without that in which it waits for memory.
final class FetchTime: Sendable {
    private struct State {
        var paused = Duration.zero
        /// When the present pause began.
        var since: ContinuousClock.Instant?
    }

    private let start = ContinuousClock.now
    private let state = Mutex(State())

    /// How often time is looked at during a pause.
    private static let look = Duration.milliseconds(100)

    /// Calls a function while time stands still.
    func paused(_ body: @Sendable () async throws -> Void) async throws {
        state.withLock { $0.since = .now }
        defer {
            state.withLock { state in
                if let since = state.since { state.paused += .now - since }
                state.since = nil
            }
        }
        try await body()
    }

    /// Returns once a time has passed since the beginning, pauses not counted.
    /// - Throws: `CancellationError`.
    func reach(_ time: Duration) async throws {
        while true {
            let (left, isPaused) = state.withLock { state in
                let now = ContinuousClock.now
                let end = state.since ?? now
                return (time + state.paused - (end - start), state.since != nil)
            }
            guard left > .zero || isPaused else { return }
            try await Task.sleep(for: isPaused ? max(left, Self.look) : left)
        }
    }
}
