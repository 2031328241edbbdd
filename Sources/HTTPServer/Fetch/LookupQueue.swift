/// Decides which name lookups run, wait or are refused: a pure value, whose owner does what it says.
///
/// Lookups start in the order of their arrival, except that those of an owner who has the maximum number running already
/// are passed over.
struct LookupQueue {
    /// The bounds of a queue.
    struct Limits: Sendable {
        /// The maximum number of lookups that run at once.
        var maxRunning = 8
        /// The maximum number of lookups of one owner that run at once.
        var maxRunningPerOwner = 4
        /// The maximum number of lookups that wait.
        var maxWaiting = 32
        /// The maximum number of lookups of one owner that wait, so that one owner cannot fill the queue.
        var maxWaitingPerOwner = 16
    }

    /// What happens to a lookup that arrives.
    enum Decision: Equatable {
        case run
        /// It waits until `finish` returns its id.
        case wait
        /// Too many wait already.
        case refuse
    }

    private struct Entry {
        let id: Int
        let owner: String
    }

    private let limits: Limits
    private var running: [Int: String] = [:]
    private var waiting: [Entry] = []

    init(limits: Limits) {
        self.limits = limits
    }

    /// The number of lookups that run.
    var runningCount: Int { running.count }

    /// The number of lookups that wait.
    var waitingCount: Int { waiting.count }

    /// A lookup arrives.
    mutating func enter(_ id: Int, owner: String) -> Decision {
        if canRun(owner) {
            running[id] = owner
            return .run
        }
        guard waiting.count < limits.maxWaiting,
            waiting.count(where: { $0.owner == owner }) < limits.maxWaitingPerOwner
        else { return .refuse }
        waiting.append(Entry(id: id, owner: owner))
        return .wait
    }

    /// A lookup that ran is finished. Returns the one that runs in its place, if one may.
    mutating func finish(_ id: Int) -> Int? {
        guard running.removeValue(forKey: id) != nil,
            let index = waiting.firstIndex(where: { canRun($0.owner) })
        else { return nil }
        let next = waiting.remove(at: index)
        running[next.id] = next.owner
        return next.id
    }

    /// A lookup is abandoned. Returns whether it was waiting; one that runs cannot be stopped.
    mutating func abandon(_ id: Int) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return false }
        waiting.remove(at: index)
        return true
    }

    private func canRun(_ owner: String) -> Bool {
        running.count < limits.maxRunning
            && running.values.count(where: { $0 == owner }) < limits.maxRunningPerOwner
    }
}
