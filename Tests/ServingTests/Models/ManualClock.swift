import Serving
import Synchronization

/// A clock that a test moves.
final class ManualClock: Sendable {
    private struct State {
        var now = Duration.zero
        var sleepers: [Int: (deadline: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var last = 0
    }
    private let state = Mutex(State())

    var clock: MonotonicClock {
        MonotonicClock(now: { self.state.withLock { $0.now } }, sleep: { try await self.sleep($0) })
    }

    /// Moves the time; what sleeps until then goes on.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for number in due.keys { state.sleepers[number] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }

    private func sleep(_ duration: Duration) async throws {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isDue = state.withLock { state in
                    guard duration > .zero, !Task.isCancelled else { return true }
                    state.sleepers[number] = (state.now + duration, continuation)
                    return false
                }
                if isDue { continuation.resume() }
            }
            try Task.checkCancellation()
        } onCancel: {
            let continuation = state.withLock { $0.sleepers.removeValue(forKey: number)?.continuation }
            continuation?.resume(throwing: CancellationError())
        }
    }
}

/// Waits until something is so.
/// - Returns: whether it was within 30 s.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    for _ in 0..<3000 {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}
