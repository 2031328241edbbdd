/// A clock of any type, as the scheduler uses it.
struct SchedulerClock: Sendable {
    /// The time since the clock was wrapped.
    let now: @Sendable () -> Duration
    /// Waits for a time, or throws `CancellationError` as soon as the task is canceled.
    let sleep: @Sendable (Duration) async throws -> Void

    /// Wraps a clock.
    init(_ clock: some Clock<Duration>) {
        let start = clock.now
        now = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0) }
    }
}
