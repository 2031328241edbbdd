/// The clock that measures waits and intervals; tests inject their own.
public struct MonotonicClock: Sendable {
    /// Returns the time since a fixed moment.
    public let now: @Sendable () -> Duration
    /// Suspends for a duration; throws `CancellationError` when the task is canceled.
    public let sleep: @Sendable (Duration) async throws -> Void

    /// Creates a clock from two functions.
    public init(
        now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    /// Swift's `ContinuousClock`.
    public static let continuous: MonotonicClock = {
        let start = ContinuousClock.now
        return MonotonicClock(now: { ContinuousClock.now - start }, sleep: { try await Task.sleep(for: $0) })
    }()
}
