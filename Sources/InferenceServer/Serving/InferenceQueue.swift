import InstanceSegmentation

/// A session in front of several: whoever comes when all lanes are taken waits for their turn, but not in a line without
/// end and not without end. It answers exactly as the lanes behind it.
actor InferenceQueue: InferenceSession {
    nonisolated let model: ModelDescription
    private let lanes: ServingLanes
    /// Inferences that run.
    private var running = 0
    private let longestWait: Duration
    private var line: WaitingLine<Int>
    private var turns: [Int: CheckedContinuation<Int, any Error>] = [:]
    private var lastTicket = 0

    /// - Parameters:
    ///   - lanes: at least one, all of the same model.
    ///   - maxWaiting: how many may wait; the next is refused.
    ///   - longestWait: after which waiting is given up.
    init(lanes: ServingLanes, maxWaiting: Int, longestWait: Duration) {
        precondition(!lanes.many.isEmpty, "a queue needs somewhere to run")
        model = lanes.many[0].model
        self.lanes = lanes
        self.longestWait = longestWait
        line = WaitingLine(lanes: lanes.many.count, maxWaiting: maxWaiting)
    }

    /// - Throws: `ServingError.overloaded`, `ServingError.deadlineExceeded`, `CancellationError`, or what the lane throws.
    func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        let clock = ContinuousClock()
        let start = clock.now
        let lane = try await takeLane()
        // Who is alone gets all cores; who comes meanwhile runs beside, and nobody is alone again before all are done.
        running += 1
        let alone = running == 1 && line.waitingCount == 0 ? lanes.alone : nil
        defer {
            running -= 1
            giveBack(lane)
        }
        let queued = clock.now - start
        var result = try await (alone ?? lanes.many[lane]).infer(inputs)
        result.queued += queued
        return result
    }

    private func takeLane() async throws -> Int {
        lastTicket += 1
        let ticket = lastTicket
        switch line.enter(ticket) {
        case .run(let lane): return lane
        case .refuse: throw ServingError.overloaded
        case .wait: break
        }
        async let _ = giveUp(ticket, after: longestWait)
        let lane = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (turn: CheckedContinuation<Int, any Error>) in
                if Task.isCancelled && line.remove(ticket) {
                    turn.resume(throwing: CancellationError())
                } else {
                    turns[ticket] = turn
                }
            }
        } onCancel: {
            Task { await self.remove(ticket, error: CancellationError()) }
        }
        return lane  // the timer is cancelled here
    }

    private func giveBack(_ lane: Int) {
        if let next = line.leave(lane: lane) { turns.removeValue(forKey: next)?.resume(returning: lane) }
    }

    private func giveUp(_ ticket: Int, after wait: Duration) async {
        do { try await Task.sleep(for: wait) } catch { return }
        remove(ticket, error: ServingError.deadlineExceeded)
    }

    private func remove(_ ticket: Int, error: any Error) {
        if line.remove(ticket) { turns.removeValue(forKey: ticket)?.resume(throwing: error) }
    }
}
