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
    /// The size up to which a body is small, in bytes. Small bodies may use the whole share.
    package var smallSize: Int
    /// The memory that larger bodies may hold together, in bytes.
    package var largeLimit: Int
    /// The number of bodies that may wait.
    package var maxWaiting: Int
    /// The time for which a body of the same size may hold its memory against one that waits.
    package var patience: Duration
    /// The shortest time for which any body may hold its memory.
    package var minimumAge: Duration

    /// The rules for callers that have shown their key: no body is displaced for another one of its key, and one of another key
    /// only after ten seconds.
    package static func known(limit: Int, maxWaiting: Int) -> BodyRules {
        BodyRules(
            order: .leastOwner, smallSize: 0, largeLimit: limit, maxWaiting: min(maxWaiting, mostWaiting),
            patience: .seconds(10), minimumAge: .seconds(10))
    }

    /// The rules for callers that have shown no key yet: small bodies are served first and have an eighth of the share to
    /// themselves, and large ones are displaced for them.
    /// - Parameter largestBody: the size of the largest body, which always fits. In bytes.
    package static func strangers(limit: Int, largestBody: Int, maxWaiting: Int) -> BodyRules {
        BodyRules(
            order: .smallest, smallSize: limit / 64, largeLimit: min(limit, max(largestBody, limit - limit / 8)),
            maxWaiting: min(maxWaiting, mostWaiting), patience: .seconds(1), minimumAge: .milliseconds(250))
    }

    /// The number of waiting bodies that is looked through at most.
    private static var mostWaiting: Int { 1024 }
}
