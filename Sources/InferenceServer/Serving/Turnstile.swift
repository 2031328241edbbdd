/// A number of places that requests take in turn: whoever comes when all are taken waits, but not in a line without end and not
/// without end.
actor Turnstile {
    private let longestWait: Duration
    private var line: WaitingLine<Int>
    private var turns: [Int: CheckedContinuation<Int, any Error>] = [:]
    private var lastTicket = 0

    /// - Parameters:
    ///   - places: how many may be inside.
    ///   - maxWaiting: how many may wait; the next is refused.
    ///   - longestWait: after which waiting is given up.
    init(places: Int, maxWaiting: Int, longestWait: Duration) {
        self.longestWait = longestWait
        line = WaitingLine(lanes: places, maxWaiting: maxWaiting)
    }

    /// Does something with a place, and gives the place to whoever is next.
    /// - Returns: what came of it, and how long the wait was.
    /// - Throws: `ServingError.overloaded`, `ServingError.deadlineExceeded`, `CancellationError`, or what the body throws.
    nonisolated func inside<Result: Sendable>(
        _ body: (_ place: Int) async throws -> Result
    ) async throws -> (result: Result, waited: Duration) {
        let start = ContinuousClock.now
        let place = try await take()
        let waited = ContinuousClock.now - start
        do {
            let result = try await body(place)
            await giveBack(place)
            return (result, waited)
        } catch {
            await giveBack(place)
            throw error
        }
    }

    private func take() async throws -> Int {
        lastTicket += 1
        let ticket = lastTicket
        switch line.enter(ticket) {
        case .run(let place): return place
        case .refuse: throw ServingError.overloaded
        case .wait: break
        }
        async let _ = giveUp(ticket, after: longestWait)
        let place = try await withTaskCancellationHandler {
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
        return place  // the timer is cancelled here
    }

    private func giveBack(_ place: Int) {
        if let next = line.leave(lane: place) { turns.removeValue(forKey: next)?.resume(returning: place) }
    }

    private func giveUp(_ ticket: Int, after wait: Duration) async {
        do { try await Task.sleep(for: wait) } catch { return }
        remove(ticket, error: ServingError.deadlineExceeded)
    }

    private func remove(_ ticket: Int, error: any Error) {
        if line.remove(ticket) { turns.removeValue(forKey: ticket)?.resume(throwing: error) }
    }
}
