extension BodyQueue {
    /// Waiting bodies in the order of the rules.
    /// - Complexity: O(n log n).
    func order(of tickets: [Ticket]) -> [Ticket] {
        guard tickets.count > 1 else { return tickets }
        return tickets.compactMap { ticket in
            bodies[ticket].map { body in
                let first = rules.order == .smallest ? body.size : heldByOwner[body.owner] ?? 0
                // A body that has been overtaken often enough is next.
                return (ticket, body.passes >= Self.maxPasses ? -1 : first, body.sequence)
            }
        }
        .sorted { ($0.1, $0.2) < ($1.1, $1.2) }
        .map(\.0)
    }

    /// The body that makes way for one that waits, if any must.
    /// - Complexity: O(n).
    func victim(_ now: Duration) -> Ticket? {
        guard !waiting.isEmpty, let heaviest = heldByOwner.max(by: { $0.value < $1.value }) else { return nil }
        let candidates = bodies.filter { $0.value.owner == heaviest.key && $0.value.held > 0 && !$0.value.hasArrived }
        guard !candidates.isEmpty else { return nil }
        for ticket in order(of: waiting).prefix(4) {
            guard let body = bodies[ticket] else { continue }
            let isOwn = body.owner == heaviest.key
            guard isOwn || heaviest.value > (heldByOwner[body.owner] ?? 0) + body.need else { continue }
            let eligible = candidates.filter { candidate in
                candidate.key != ticket && mayDisplace(candidate.value, for: body, isOwn: isOwn, now)
            }
            let worst = eligible.max { cost($0.value, now) < cost($1.value, now) }
            if let worst { return worst.key }
        }
        return nil
    }

    /// A waiting body that is given up for one that comes when no more may wait: the largest where the smallest come first, else
    /// the newest of an owner with at least two more.
    func replaceable(for ticket: Ticket) -> Ticket? {
        guard let body = bodies[ticket] else { return nil }
        switch rules.order {
        case .smallest:
            let largest = waiting.max { (bodies[$0]?.size ?? 0) < (bodies[$1]?.size ?? 0) }
            guard let largest, let other = bodies[largest], other.size > body.size else { return nil }
            return largest
        case .leastOwner:
            var counts: [String?: Int] = [:]
            for other in waiting { if let owner = bodies[other]?.owner { counts[owner, default: 0] += 1 } }
            guard let most = counts.max(by: { $0.value < $1.value }),
                most.value >= (counts[body.owner] ?? 0) + 2, most.key != body.owner
            else { return nil }
            return waiting.last { bodies[$0]?.owner == most.key }
        }
    }

    /// Whether a body that arrives has held its memory for long enough against one that waits. Where the smallest come first, a
    /// body that is larger than the other has the less time.
    private func mayDisplace(_ candidate: Body, for body: Body, isOwn: Bool, _ now: Duration) -> Bool {
        let age = now - candidate.since
        switch rules.order {
        case .smallest:
            guard isLarge(candidate) || !isLarge(body) else { return false }
            let ratio = min(1, Double(body.size) / Double(max(1, candidate.held)))
            return age >= max(rules.minimumAge, rules.patience * ratio)
        case .leastOwner:
            // Bodies of one key wait for one another, unless all of them wait to grow.
            return age >= rules.patience && (!isOwn || candidate.need > 0)
        }
    }

    /// The longest time that any body has waited.
    func longestWait(_ now: Duration) -> Duration {
        waiting.reduce(.zero) { longest, ticket in
            max(longest, bodies[ticket].map { now - $0.asked } ?? .zero)
        }
    }

    /// The bytes that a body holds times the time since it was granted memory, in byte seconds.
    private func cost(_ body: Body, _ now: Duration) -> Double {
        Double(body.held) * ((now - body.since) / .seconds(1))
    }
}
