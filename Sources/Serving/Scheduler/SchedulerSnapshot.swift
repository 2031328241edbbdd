/// The state of the scheduler at one moment, and its counts since the start.
package struct SchedulerSnapshot: Equatable, Sendable {
    /// The number of requests that wait for a slot.
    package var waiting = 0
    /// The number of requests that hold a slot.
    package var running = 0
    /// The number of slots.
    package let capacity: Int
    /// The memory that running requests have reserved for images, in bytes.
    package var bytes = 0
    /// Requests that were canceled by their caller, while they waited or ran.
    package var cancelled = 0
    /// Those of them that were canceled while they waited.
    package var cancelledWaiting = 0
    /// Requests that waited until their deadline or the queue timeout.
    package var timedOut = 0
    /// Requests that were refused.
    package var refused = 0
    /// Requests that ran and returned a result.
    package var completed = 0
    /// Requests that ran and threw an error other than by cancellation.
    package var failed = 0
    /// The time after which a refused client should try again, in seconds.
    package var retryAfter = 1
    /// The average number of requests that finish in a second.
    package var completionsPerSecond = 0.0
}
