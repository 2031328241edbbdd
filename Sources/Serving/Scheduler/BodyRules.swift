/// The rules by which request bodies of one share of memory are queued and displaced.
package struct BodyRules: Sendable {
    /// The order in which bodies that wait are served, and which bodies are displaced for them.
    package enum Order: Sendable {
        /// The owner that holds the least memory first; among its bodies, the one that has waited longest.
        case leastOwner
        /// The smallest first.
        case smallest
    }

    /// The order of waiting bodies.
    package var order: Order
    /// The maximum size of a small body, in bytes. Small bodies may use the whole share.
    package var smallSize: Int
    /// The maximum memory of all larger bodies together, in bytes.
    package var largeLimit: Int
    /// Maximum number of waiting bodies.
    package var maxWaiting: Int
    /// The time for which a body keeps its memory while another one of the same size waits.
    package var patience: Duration
    /// The minimum time for which any body keeps its memory.
    package var minimumAge: Duration

    /// Returns the rules for callers that have shown their key. A body is never displaced for another one of the same
    /// key, and for one of another key only after ten seconds.
    package static func known(limit: Int, maxWaiting: Int) -> BodyRules {
        BodyRules(
            order: .leastOwner, smallSize: 0, largeLimit: limit, maxWaiting: min(maxWaiting, mostWaiting),
            patience: .seconds(10), minimumAge: .seconds(10))
    }

    /// Returns the rules for callers that have not shown a key. Small bodies are served first and have an eighth of the
    /// share reserved; large ones are displaced for them.
    /// - Parameter largestBody: the size of the largest body, in bytes, which always fits.
    package static func strangers(limit: Int, largestBody: Int, maxWaiting: Int) -> BodyRules {
        BodyRules(
            order: .smallest, smallSize: limit / 64, largeLimit: min(limit, max(largestBody, limit - limit / 8)),
            maxWaiting: min(maxWaiting, mostWaiting), patience: .seconds(1), minimumAge: .milliseconds(250))
    }

    /// The number of waiting bodies that is looked through at most.
    private static var mostWaiting: Int { 1024 }
}
