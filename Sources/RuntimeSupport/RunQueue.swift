/// Which thread and which session a run of a model gets, and which runs wait: decisions only, without a lock or a task.
///
/// A model has one thread for each run that may be active, and one or two sessions. Under light load a run uses the
/// multi-threaded session, for latency. Under heavier load it uses the session whose runs take one thread each, for
/// throughput. Runs that find no thread free wait in FIFO order.
struct RunQueue {
    /// Where a run takes place.
    struct Slot: Equatable {
        /// The index of the thread.
        let thread: Int
        /// Whether the run uses the multi-threaded session.
        let isWide: Bool
    }

    private let threadCount: Int
    private let wideCount: Int
    private var freeThreads: [Int]
    private var freeWide: Int
    private var waiting = FIFOQueue<Int>()

    /// - Parameters:
    ///   - threadCount: most runs that are active.
    ///   - wideCount: most runs that use the multi-threaded session; 0 if there is only one session.
    init(threadCount: Int, wideCount: Int) {
        self.threadCount = threadCount
        self.wideCount = wideCount
        freeThreads = (0..<threadCount).reversed()
        freeWide = wideCount
    }

    /// The number of runs that are active or wait.
    var pending: Int { threadCount - freeThreads.count + waiting.count }

    /// A new run takes a slot; `nil` if no thread is free.
    mutating func enter() -> Slot? {
        freeThreads.popLast().map { slot(on: $0) }
    }

    /// A run waits until `leave` names its ticket. Tickets are unique.
    mutating func wait(_ ticket: Int) {
        waiting.append(ticket)
    }

    /// A run ends.
    /// - Returns: the run that starts in its place, and where; `nil` if none waits.
    mutating func leave(_ slot: Slot) -> (ticket: Int, slot: Slot)? {
        if slot.isWide { freeWide += 1 }
        guard let next = waiting.popFirst() else {
            freeThreads.append(slot.thread)
            return nil
        }
        return (next, self.slot(on: slot.thread))
    }

    /// A run stops waiting.
    /// - Returns: whether it was still waiting.
    mutating func remove(_ ticket: Int) -> Bool {
        waiting.removeFirst { $0 == ticket }
    }

    /// Chooses the session of a run whose thread has been taken, so that the run itself counts among those that are
    /// pending.
    private mutating func slot(on thread: Int) -> Slot {
        let isWide = pending <= wideCount && freeWide > 0
        if isWide { freeWide -= 1 }
        return Slot(thread: thread, isWide: isWide)
    }
}
