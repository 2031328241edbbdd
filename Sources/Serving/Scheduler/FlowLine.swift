/// The waiting tickets of one flow, in order of arrival.
///
/// Removal from the middle leaves a gap that later operations close, so that every operation is O(log n), amortized.
struct FlowLine<Ticket: Hashable & Sendable>: Sendable {
    /// A ticket that waits, or the gap that it left.
    struct Place: Sendable {
        /// The order of arrival.
        let sequence: UInt64
        /// The ticket, nil in a gap.
        var ticket: Ticket?
    }

    /// The tickets and at most 16 more gaps than tickets.
    private(set) var places: [Place] = []
    private var head = 0

    /// The number of tickets that wait.
    private(set) var count = 0

    /// Whether no ticket waits.
    var isEmpty: Bool { count == 0 }

    /// The ticket that has waited longest.
    var first: Ticket? { count == 0 ? nil : places[head].ticket }

    /// The ticket that has waited least, with its sequence number.
    var last: (ticket: Ticket, sequence: UInt64)? {
        guard count > 0, let place = places.last, let ticket = place.ticket else { return nil }
        return (ticket, place.sequence)
    }

    /// Adds a ticket at the end.
    /// - Precondition: `sequence` is larger than that of every earlier ticket.
    mutating func append(_ ticket: Ticket, sequence: UInt64) {
        places.append(Place(sequence: sequence, ticket: ticket))
        count += 1
    }

    /// Removes the ticket with a sequence number, if it is still in the line.
    mutating func remove(sequence: UInt64) {
        var (low, high) = (head, places.count)
        while low < high {
            let middle = low + (high - low) / 2
            if places[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        guard low < places.count, places[low].sequence == sequence, places[low].ticket != nil else { return }
        places[low].ticket = nil
        count -= 1
        closeGaps()
    }

    /// Keeps a ticket at both ends, and few gaps.
    private mutating func closeGaps() {
        guard count > 0 else {
            places.removeAll(keepingCapacity: places.count <= 64)
            head = 0
            return
        }
        while places[head].ticket == nil { head += 1 }
        while let place = places.last, place.ticket == nil { places.removeLast() }
        if places.count > 2 * count + 16 {
            places.removeAll { $0.ticket == nil }
            head = 0
        }
    }
}
