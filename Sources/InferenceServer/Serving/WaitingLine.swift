/// Who runs and who waits: decisions only, without a clock, a lock or a task. The owner does what it says.
struct WaitingLine<ID: Hashable> {
    enum Decision: Equatable {
        /// Run now, in this lane.
        case run(lane: Int)
        /// Wait until `leave` names this id.
        case wait
        /// Too many wait already.
        case refuse
    }

    private var freeLanes: [Int]
    private var waiting: [ID] = []
    private let maxWaiting: Int

    init(lanes: Int, maxWaiting: Int) {
        freeLanes = Array((0..<lanes).reversed())
        self.maxWaiting = maxWaiting
    }

    var waitingCount: Int { waiting.count }

    /// Somebody comes.
    mutating func enter(_ id: ID) -> Decision {
        if let lane = freeLanes.popLast() { return .run(lane: lane) }
        guard waiting.count < maxWaiting else { return .refuse }
        waiting.append(id)
        return .wait
    }

    /// Somebody is done with a lane. Returns who has it next; the lane is free where nobody waits.
    mutating func leave(lane: Int) -> ID? {
        guard !waiting.isEmpty else {
            freeLanes.append(lane)
            return nil
        }
        return waiting.removeFirst()
    }

    /// Somebody gives up. Returns whether they were still waiting.
    mutating func remove(_ id: ID) -> Bool {
        guard let index = waiting.firstIndex(of: id) else { return false }
        waiting.remove(at: index)
        return true
    }
}
