/// Decides which request bodies of one share hold memory, which wait for it, and which are displaced. The queue is a
/// value without a clock, a lock, or a task: its owner carries out the decisions.
///
/// A body requests the memory of all its bytes before they are read, or more on the way if its length is not known. If
/// the memory is not available, the body waits until its deadline, and none of it is read meanwhile. ``BodyRules``
/// determine which body is served next.
///
/// While a body waits, others that are still arriving may be displaced for it. They belong to the owner that holds the
/// most memory, and have held the most bytes for the longest time. A body that has arrived is never displaced. An owner
/// is a key, or the network of a caller that has shown none.
package struct BodyQueue<Ticket: Hashable & Sendable>: Sendable {
    /// The budget that memory comes from. Both functions return at once.
    package struct Memory {
        /// Reserves bytes, or returns false.
        let reserve: (Int) -> Bool
        /// Releases reserved bytes.
        let release: (Int) -> Void

        /// Wraps a budget.
        package init(reserve: @escaping (Int) -> Bool, release: @escaping (Int) -> Void) {
            self.reserve = reserve
            self.release = release
        }
    }

    /// What becomes of bodies. No ticket is in two lists.
    package struct Changes: Equatable, Sendable {
        /// Bodies that waited and have their memory now.
        package var granted: [Ticket] = []
        /// Bodies whose time to wait is over. What they held before, they still hold.
        package var expired: [Ticket] = []
        /// Bodies that lost their memory, or their place among those that wait.
        package var displaced: [Ticket] = []
    }

    /// What happens to a body that asks for memory.
    package enum Decision: Equatable, Sendable {
        /// It has the memory.
        case granted
        /// It waits until ``Changes`` contain its ticket.
        case wait
        /// Too many bodies wait.
        case refused
        /// It has lost its memory and its place in the queue to waiting bodies.
        case displaced
    }

    struct Body: Sendable {
        let owner: String?
        let sequence: UInt64
        var held = 0
        /// The bytes that it waits for, 0 if it does not wait.
        var need = 0
        /// When it was first granted memory.
        var since = Duration.zero
        /// When it began to wait.
        var asked = Duration.zero
        var deadline = Duration.zero
        var hasArrived = false
        var passes = 0

        var size: Int { held + need }
    }

    /// The number of times that a waiting body may be overtaken, except by smaller ones where those come first.
    package static var maxPasses: Int { 8 }
    /// The number of waiting bodies that are tried before memory is given up on.
    static var maxTries: Int { 16 }

    /// The rules.
    package let rules: BodyRules
    /// The memory that large bodies hold, in bytes.
    package private(set) var largeBytes = 0
    private(set) var bodies: [Ticket: Body] = [:]
    private(set) var waiting: [Ticket] = []
    private(set) var heldByOwner: [String?: Int] = [:]
    private var sequence: UInt64 = 0

    /// Creates an empty queue.
    package init(rules: BodyRules) {
        self.rules = rules
    }

    /// The number of bodies that wait.
    package var waitingCount: Int { waiting.count }
    /// The number of bodies that hold memory or wait for it.
    package var count: Int { bodies.count }

    /// Whether the ticket's body has neither left nor been displaced.
    package func contains(_ ticket: Ticket) -> Bool { bodies[ticket] != nil }

    /// A body asks for memory, for the first time or for more.
    /// - Parameters:
    ///   - owner: the key or the network of the caller.
    ///   - bytes: what is asked for, besides what the body holds. At least 1.
    ///   - deadline: when it stops waiting.
    /// - Precondition: the body does not wait and has not arrived.
    package mutating func ask(
        _ ticket: Ticket, owner: String?, bytes: Int, now: Duration, deadline: Duration, _ memory: Memory
    ) -> (decision: Decision, changes: Changes) {
        var changes = Changes()
        if bodies[ticket] == nil {
            sequence += 1
            bodies[ticket] = Body(owner: owner, sequence: sequence)
        }
        bodies[ticket]?.need = max(1, bytes)
        bodies[ticket]?.asked = now
        bodies[ticket]?.deadline = deadline
        if waiting.count >= rules.maxWaiting {
            // A body that fits does not wait.
            if waiting.isEmpty, grant(ticket, now, memory) { return (.granted, changes) }
            guard let other = replaceable(for: ticket) else {
                cancel(ticket)
                return (.refused, changes)
            }
            waiting.removeAll { $0 == other }
            drop(other, memory)
            changes.displaced.append(other)
        }
        waiting.append(ticket)
        serve(now, memory, &changes)
        if let own = changes.granted.firstIndex(of: ticket) {
            changes.granted.remove(at: own)
            return (.granted, changes)
        }
        // A body that asks for more may be the one that others are waiting for.
        if let own = changes.displaced.firstIndex(of: ticket) {
            changes.displaced.remove(at: own)
            return (.displaced, changes)
        }
        return (.wait, changes)
    }

    /// Notes that all of a body has been read, so that it is not displaced any more.
    /// - Returns: false if it has been displaced.
    package mutating func arrive(_ ticket: Ticket) -> Bool {
        bodies[ticket]?.hasArrived = true
        return bodies[ticket] != nil
    }

    /// A body stops waiting. It keeps what it held before.
    package mutating func cancel(_ ticket: Ticket) {
        guard let body = bodies[ticket], body.need > 0 else { return }
        waiting.removeAll { $0 == ticket }
        bodies[ticket]?.need = 0
        if body.held == 0 { bodies[ticket] = nil }
    }

    /// A body and its memory are gone.
    package mutating func leave(_ ticket: Ticket, now: Duration, _ memory: Memory) -> Changes {
        var changes = Changes()
        guard bodies[ticket] != nil else { return changes }
        waiting.removeAll { $0 == ticket }
        drop(ticket, memory)
        serve(now, memory, &changes)
        return changes
    }

    /// Time has passed, or memory may have become available.
    package mutating func advance(to now: Duration, _ memory: Memory) -> Changes {
        var changes = Changes()
        serve(now, memory, &changes)
        return changes
    }

    private mutating func serve(_ now: Duration, _ memory: Memory, _ changes: inout Changes) {
        for ticket in waiting where bodies[ticket].map({ $0.deadline <= now }) ?? true {
            changes.expired.append(ticket)
        }
        for ticket in changes.expired { cancel(ticket) }
        repeat {
            while let next = grantNext(now, memory) { changes.granted.append(next) }
            guard let victim = victim(now) else { return }
            waiting.removeAll { $0 == victim }
            drop(victim, memory)
            changes.displaced.append(victim)
        } while !waiting.isEmpty
    }

    /// Gives memory to the first waiting body that fits, in the order of the rules.
    private mutating func grantNext(_ now: Duration, _ memory: Memory) -> Ticket? {
        let order = order(of: waiting)
        for (place, ticket) in order.prefix(Self.maxTries).enumerated() {
            if grant(ticket, now, memory) {
                waiting.removeAll { $0 == ticket }
                if rules.order == .leastOwner { for other in order[..<place] { bodies[other]?.passes += 1 } }
                return ticket
            }
            if let passes = bodies[ticket]?.passes, passes >= Self.maxPasses { return nil }
        }
        return nil
    }

    private mutating func grant(_ ticket: Ticket, _ now: Duration, _ memory: Memory) -> Bool {
        guard var body = bodies[ticket] else { return false }
        // A body that grows beyond the small size becomes a large one with all of its bytes.
        let wasLarge = body.held > rules.smallSize
        let largeGrowth = isLarge(body) ? (wasLarge ? body.need : body.size) : 0
        guard largeGrowth <= rules.largeLimit - largeBytes, memory.reserve(body.need) else { return false }
        largeBytes += largeGrowth
        heldByOwner[body.owner, default: 0] += body.need
        if body.held == 0 { body.since = now }
        (body.held, body.need, body.passes) = (body.size, 0, 0)
        bodies[ticket] = body
        return true
    }

    func isLarge(_ body: Body) -> Bool { body.size > rules.smallSize }

    private mutating func drop(_ ticket: Ticket, _ memory: Memory) {
        guard let body = bodies.removeValue(forKey: ticket), body.held > 0 else { return }
        if body.held > rules.smallSize { largeBytes -= body.held }
        let rest = (heldByOwner[body.owner] ?? 0) - body.held
        heldByOwner[body.owner] = rest > 0 ? rest : nil
        memory.release(body.held)
    }
}
