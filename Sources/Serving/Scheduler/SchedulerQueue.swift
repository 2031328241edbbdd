/// The caller and the model of a request: what the scheduler is fair between.
package struct SchedulerFlow: Hashable, Sendable {
    /// The caller's key, or nil. All callers without a key count as one.
    package let key: String?
    /// The identifier of the model.
    package let model: String

    /// Creates a flow.
    package init(key: String?, model: String) {
        self.key = key
        self.model = model
    }
}

/// Decides which requests run, wait, or are refused. A value without a clock, a lock, or a task: its owner carries out the
/// decisions.
///
/// A free slot goes to the key with the fewest running requests; among equals, to the key whose last grant is longest ago. Within
/// the key it goes to the model with the fewest running requests on the whole machine; among equals, to the least recently
/// granted. Requests of the same key and model run in order of arrival. A model that its key has passed over
/// ``maxPasses`` times is next when the key is.
///
/// A request runs only after its memory has been reserved. One that does not fit may be overtaken ``maxPasses`` times; after that
/// it blocks the queue until it fits.
///
/// Keys and models are remembered only while a request of theirs runs or waits. A key that returns ranks as if it had been granted
/// at that moment, so forgetting it never gives it precedence.
package struct SchedulerQueue<Ticket: Hashable & Sendable>: Sendable {
    /// What happens to a request that enters.
    package enum Decision: Equatable, Sendable {
        /// The request runs now.
        case run
        /// The request waits until an operation returns its ticket.
        case wait
        /// The request is refused: the queue is full.
        case queueFull
        /// The request is refused: it needs more memory than any request may use.
        case tooLarge
    }

    /// The outcome of ``SchedulerQueue/enter(_:flow:bytes:reserving:)``.
    package struct Entrance: Sendable {
        /// What happens to the request that entered.
        package var decision: Decision
        /// Other requests that run from now on.
        package var granted: [Ticket] = []
        /// The newest request of the key with the most waiting requests, removed from a full queue for this one.
        package var displaced: Ticket?
    }

    /// Reserves memory in bytes, or returns false at once if it is not available.
    package typealias Reservation = (_ bytes: Int) -> Bool

    private struct Entry: Sendable {
        let flow: SchedulerFlow
        let bytes: Int
        let sequence: UInt64
        var isRunning = false
    }

    /// The number of times that a request may be overtaken for one reason.
    package static var maxPasses: Int { 8 }

    /// The number of requests that may run at once.
    package let slots: Int
    /// The number of requests that may wait.
    package let maxWaiting: Int
    /// The largest amount of memory that one request may need, in bytes.
    package let maxBytes: Int
    /// The number of requests that wait.
    package private(set) var waiting = 0
    /// The number of requests that run.
    package private(set) var running = 0
    /// The memory that running requests hold, in bytes.
    package private(set) var bytes = 0

    /// The keys that have waiting or running requests.
    var keys: [String?: KeyState] = [:]
    /// The number of running requests of each model that has any.
    var runningByModel: [String: Int] = [:]
    /// The number of arrivals and grants so far.
    private(set) var sequence: UInt64 = 0
    private var entries: [Ticket: Entry] = [:]
    private var blocked: (ticket: Ticket, flow: SchedulerFlow, passes: Int)?

    /// Creates an empty queue.
    /// - Parameters:
    ///   - slots: the number of requests that may run at once, at least 1.
    ///   - maxWaiting: the number of requests that may wait, 0 or more.
    ///   - maxBytes: the largest amount of memory that one request may need. It must be available when nothing runs, or the
    ///     owner has to call ``grantWaiting(reserving:)`` when memory becomes available.
    package init(slots: Int, maxWaiting: Int, maxBytes: Int) {
        self.slots = max(1, slots)
        self.maxWaiting = max(0, maxWaiting)
        self.maxBytes = max(0, maxBytes)
    }

    /// Whether a request that enters now may run at once.
    package var hasFreeSlot: Bool { running < slots && waiting == 0 }

    /// Whether a request that enters now is refused, or waits in exchange for another one.
    package var isFull: Bool { waiting >= maxWaiting && !hasFreeSlot }

    /// Adds a request. If the queue is full and another key has at least two more waiting requests than this one, the newest
    /// of those is removed for it.
    /// - Parameter bytes: the memory that it needs while it runs.
    /// - Precondition: the ticket is neither waiting nor running.
    /// - Complexity: O(1) if a slot is free, else O(keys + models of a key).
    package mutating func enter(
        _ ticket: Ticket, flow: SchedulerFlow, bytes: Int, reserving reserve: Reservation
    ) -> Entrance {
        assert(entries[ticket] == nil, "a ticket enters once")
        guard bytes <= maxBytes else { return Entrance(decision: .tooLarge) }
        sequence += 1
        var entry = Entry(flow: flow, bytes: max(0, bytes), sequence: sequence)
        if hasFreeSlot && reserve(entry.bytes) {
            entry.isRunning = true
            entries[ticket] = entry
            countRunning(entry)
            return Entrance(decision: .run)
        }
        var entrance = Entrance(decision: .wait)
        if waiting >= maxWaiting {
            guard let newest = ticketToDisplace(for: flow.key) else { return Entrance(decision: .queueFull) }
            drop(newest)
            entrance.displaced = newest
        }
        entries[ticket] = entry
        waiting += 1
        withState(of: flow) { key, state in
            key.waiting += 1
            state.line.append(ticket, sequence: entry.sequence)
        }
        entrance.granted = grantWaiting(reserving: reserve)
        if let own = entrance.granted.firstIndex(of: ticket) {
            entrance.granted.remove(at: own)
            entrance.decision = .run
        }
        return entrance
    }

    /// Ends a running request. The owner has released its memory before.
    /// - Returns: the waiting requests that run from now on.
    package mutating func leave(_ ticket: Ticket, reserving reserve: Reservation) -> [Ticket] {
        guard let entry = entries[ticket], entry.isRunning else { return [] }
        entries[ticket] = nil
        running -= 1
        bytes -= entry.bytes
        let model = entry.flow.model
        if let count = runningByModel[model] { runningByModel[model] = count > 1 ? count - 1 : nil }
        withState(of: entry.flow) { key, flow in
            key.running -= 1
            flow.running -= 1
        }
        return grantWaiting(reserving: reserve)
    }

    /// Removes a request that waits; a request that runs stays.
    /// - Returns: whether it was waiting, and the waiting requests that run from now on.
    package mutating func remove(
        _ ticket: Ticket, reserving reserve: Reservation
    ) -> (wasWaiting: Bool, granted: [Ticket]) {
        guard let entry = entries[ticket], !entry.isRunning else { return (false, []) }
        drop(ticket)
        return (true, grantWaiting(reserving: reserve))
    }

    /// Starts waiting requests while there are free slots and memory. Called by the owner when memory became available.
    /// - Complexity: O(keys + models of a key) for each request started.
    package mutating func grantWaiting(reserving reserve: Reservation) -> [Ticket] {
        var granted: [Ticket] = []
        while running < slots, waiting > 0 {
            if let blocked {
                if start(blocked.ticket, reserve) {
                    granted.append(blocked.ticket)
                    self.blocked = nil
                } else if blocked.passes < Self.maxPasses, let other = nextTicket(except: blocked.flow)?.ticket,
                    start(other, reserve)
                {
                    granted.append(other)
                    self.blocked?.passes += 1
                } else {
                    break
                }
            } else if let next = nextTicket(except: nil) {
                if start(next.ticket, reserve) {
                    granted.append(next.ticket)
                } else {
                    blocked = (next.ticket, next.flow, 0)
                }
            } else {
                break
            }
        }
        return granted
    }

    private mutating func start(_ ticket: Ticket, _ reserve: Reservation) -> Bool {
        guard let entry = entries[ticket], reserve(entry.bytes) else { return false }
        entries[ticket]?.isRunning = true
        waiting -= 1
        withState(of: entry.flow) { key, flow in
            key.waiting -= 1
            flow.line.remove(sequence: entry.sequence)
            for (model, other) in key.flows where !other.line.isEmpty { key.flows[model]?.passes += 1 }
        }
        countRunning(entry)
        return true
    }

    private mutating func countRunning(_ entry: Entry) {
        running += 1
        bytes += entry.bytes
        runningByModel[entry.flow.model, default: 0] += 1
        sequence += 1
        let now = sequence
        withState(of: entry.flow) { key, flow in
            (key.running, key.stamp) = (key.running + 1, now)
            (flow.running, flow.stamp, flow.passes) = (flow.running + 1, now, 0)
        }
    }

    private mutating func drop(_ ticket: Ticket) {
        guard let entry = entries.removeValue(forKey: ticket) else { return }
        waiting -= 1
        if blocked?.ticket == ticket { blocked = nil }
        withState(of: entry.flow) { key, flow in
            key.waiting -= 1
            flow.line.remove(sequence: entry.sequence)
        }
    }
}
