import Serving

/// What `SchedulerQueue` promises, with flat lists that are searched from the beginning each time.
struct NaiveScheduler {
    struct Entry {
        let ticket: Int
        let flow: SchedulerFlow
        let bytes: Int
        var isRunning = false
    }

    let slots: Int
    let maxWaiting: Int
    /// In order of arrival.
    private(set) var entries: [Entry] = []
    var freeBytes: Int
    private var time = 0
    private var keyStamps: [String?: Int] = [:]
    private var flowStamps: [SchedulerFlow: Int] = [:]
    private var flowPasses: [SchedulerFlow: Int] = [:]
    private var blocked: (ticket: Int, passes: Int)?

    init(slots: Int, maxWaiting: Int, freeBytes: Int) {
        (self.slots, self.maxWaiting, self.freeBytes) = (slots, maxWaiting, freeBytes)
    }

    var waiting: [Entry] { entries.filter { !$0.isRunning } }
    var running: [Entry] { entries.filter(\.isRunning) }

    /// Returns whether the entry waits, and which other one is displaced.
    mutating func enter(_ entry: Entry) -> (isRefused: Bool, displaced: Int?) {
        if running.count < slots, waiting.isEmpty, entry.bytes <= freeBytes {
            add(entry)
            run(entry.ticket)
            return (false, nil)
        }
        guard waiting.count >= maxWaiting else {
            add(entry)
            return (false, nil)
        }
        func backlog(_ key: String?) -> Int { waiting.count { $0.flow.key == key } }
        let longest = waiting.map(\.flow.key).max { a, b in
            (backlog(a), keyStamps[a] ?? 0) < (backlog(b), keyStamps[b] ?? 0)
        }
        guard let longest, backlog(longest) >= backlog(entry.flow.key) + 2,
            let newest = waiting.last(where: { $0.flow.key == longest })
        else { return (true, nil) }
        remove(newest.ticket)
        add(entry)
        return (false, newest.ticket)
    }

    mutating func remove(_ ticket: Int) {
        guard let index = entries.firstIndex(where: { $0.ticket == ticket }) else { return }
        if entries[index].isRunning { freeBytes += entries[index].bytes }
        if blocked?.ticket == ticket { blocked = nil }
        let flow = entries.remove(at: index).flow
        if !entries.contains(where: { $0.flow == flow }) { (flowStamps[flow], flowPasses[flow]) = (nil, nil) }
        if !entries.contains(where: { $0.flow.key == flow.key }) { keyStamps[flow.key] = nil }
    }

    mutating func grant() -> [Int] {
        var granted: [Int] = []
        while running.count < slots {
            if let blocked, let entry = waiting.first(where: { $0.ticket == blocked.ticket }) {
                if entry.bytes <= freeBytes {
                    self.blocked = nil
                    run(entry.ticket)
                    granted.append(entry.ticket)
                } else if blocked.passes < 8, let other = next(except: entry.flow), other.bytes <= freeBytes {
                    self.blocked?.passes += 1
                    run(other.ticket)
                    granted.append(other.ticket)
                } else {
                    break
                }
            } else if let entry = next(except: nil) {
                if entry.bytes <= freeBytes {
                    run(entry.ticket)
                    granted.append(entry.ticket)
                } else {
                    blocked = (entry.ticket, 0)
                }
            } else {
                break
            }
        }
        return granted
    }

    private mutating func add(_ entry: Entry) {
        time += 1
        entries.append(entry)
        if keyStamps[entry.flow.key] == nil { keyStamps[entry.flow.key] = time }
        if flowStamps[entry.flow] == nil { flowStamps[entry.flow] = time }
    }

    private mutating func run(_ ticket: Int) {
        guard let index = entries.firstIndex(where: { $0.ticket == ticket }) else { return }
        time += 1
        entries[index].isRunning = true
        let flow = entries[index].flow
        freeBytes -= entries[index].bytes
        for other in Set(waiting.map(\.flow)) where other.key == flow.key && other != flow {
            flowPasses[other, default: 0] += 1
        }
        (keyStamps[flow.key], flowStamps[flow], flowPasses[flow]) = (time, time, 0)
    }

    private func next(except excluded: SchedulerFlow?) -> Entry? {
        let candidates = waiting.filter { $0.flow != excluded }
        func keyRank(_ key: String?) -> (Int, Int) {
            (running.count { $0.flow.key == key }, keyStamps[key] ?? 0)
        }
        guard let key = candidates.map(\.flow.key).min(by: { keyRank($0) < keyRank($1) }) else { return nil }
        func flowRank(_ flow: SchedulerFlow) -> (Int, Int, Int) {
            let (passes, stamp) = (flowPasses[flow] ?? 0, flowStamps[flow] ?? 0)
            return passes >= 8 ? (0, -passes, stamp) : (1, running.count { $0.flow.model == flow.model }, stamp)
        }
        let flows = candidates.map(\.flow).filter { $0.key == key }
        let flow = flows.min { flowRank($0) < flowRank($1) }
        return candidates.first { $0.flow == flow }
    }
}
