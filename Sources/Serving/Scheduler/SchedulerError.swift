/// The reason why a request did not run.
package enum SchedulerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Too many requests wait, or the request would not start before its deadline. The client may retry after
    /// `retryAfter` seconds.
    case queueFull(retryAfter: Int)
    /// The request's images need more memory than one request may use. Both numbers are in bytes.
    case tooLarge(bytes: Int, limit: Int)
    /// The request waited until its deadline or the queue timeout.
    case deadlineExceeded(waited: Duration)
    /// The memory for request bodies is in use. The client may retry after `retryAfter` seconds.
    case memoryExhausted(retryAfter: Int)

    /// A sentence for the client.
    package var description: String {
        switch self {
        case .queueFull(let seconds):
            "The server is at capacity. Retry after \(seconds) s."
        case .tooLarge(let bytes, let limit):
            "The images of the request need \(bytes) bytes of memory when decoded; at most \(limit) are allowed."
        case .deadlineExceeded(let waited):
            "The request was not started within its time limit; it waited \(waited.wholeMilliseconds) ms."
        case .memoryExhausted(let seconds):
            "The server's memory for request bodies is in use. Retry after \(seconds) s."
        }
    }
}

extension Duration {
    /// The duration in whole milliseconds, rounded down.
    fileprivate var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds &* 1000 &+ attoseconds / 1_000_000_000_000_000
    }
}
