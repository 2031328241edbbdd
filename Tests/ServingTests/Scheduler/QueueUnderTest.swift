import Serving

/// A queue with an account of memory, and what a test needs to know about its requests.
struct QueueUnderTest {
    var queue: SchedulerQueue<Int>
    var freeBytes: Int
    var flows: [Int: SchedulerFlow] = [:]
    var sizes: [Int: Int] = [:]

    init(slots: Int, maxWaiting: Int, bytes: Int = 1000, maxBytes: Int? = nil) {
        queue = SchedulerQueue(slots: slots, maxWaiting: maxWaiting, maxBytes: maxBytes ?? bytes)
        freeBytes = bytes
    }

    mutating func enter(
        _ ticket: Int, _ key: String? = nil, _ model: String = "m", bytes: Int = 0
    ) -> SchedulerQueue<Int>.Entrance {
        let flow = SchedulerFlow(key: key, model: model)
        (flows[ticket], sizes[ticket]) = (flow, bytes)
        return with { $0.enter(ticket, flow: flow, bytes: bytes, reserving: $1) }
    }

    mutating func leave(_ ticket: Int) -> [Int] {
        freeBytes += sizes[ticket] ?? 0
        return with { $0.leave(ticket, reserving: $1) }
    }

    mutating func remove(_ ticket: Int) -> (wasWaiting: Bool, granted: [Int]) {
        with { $0.remove(ticket, reserving: $1) }
    }

    mutating func grantWaiting() -> [Int] { with { $0.grantWaiting(reserving: $1) } }

    private mutating func with<Result>(
        _ change: (inout SchedulerQueue<Int>, (Int) -> Bool) -> Result
    ) -> Result {
        var free = freeBytes
        defer { freeBytes = free }
        return change(&queue) { bytes in
            guard bytes <= free else { return false }
            free -= bytes
            return true
        }
    }
}
