import InstanceSegmentation
import Synchronization

/// A session in front of several. It answers exactly as the lanes behind it.
///
/// While requests are so few that each can have several cores, they get them; who comes when there are more runs on a lane of those
/// that share the machine.
final class InferenceQueue: InferenceSession {
    let model: ModelDescription
    private let lanes: ServingLanes
    private let turnstile: Turnstile
    private let state: Mutex<State>

    private struct State {
        /// Inferences that run or wait.
        var pending = 0
        /// Wide lanes that nobody uses.
        var wide: [Int]
    }

    /// - Parameters:
    ///   - lanes: at least one, all of the same model.
    ///   - maxWaiting: how many may wait; the next is refused.
    ///   - longestWait: after which waiting is given up.
    init(lanes: ServingLanes, maxWaiting: Int, longestWait: Duration) {
        precondition(!lanes.many.isEmpty, "a queue needs somewhere to run")
        model = lanes.many[0].model
        self.lanes = lanes
        state = Mutex(State(wide: Array(lanes.wide.indices.reversed())))
        turnstile = Turnstile(places: lanes.many.count, maxWaiting: maxWaiting, longestWait: longestWait)
    }

    /// - Throws: `ServingError.overloaded`, `ServingError.deadlineExceeded`, `CancellationError`, or what the lane throws.
    func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        state.withLock { $0.pending += 1 }
        defer { state.withLock { $0.pending -= 1 } }
        var (result, waited) = try await turnstile.inside { lane in
            let wide = state.withLock { $0.pending <= lanes.wide.count ? $0.wide.popLast() : nil }
            guard let wide else { return try await lanes.many[lane].infer(inputs) }
            defer { state.withLock { $0.wide.append(wide) } }
            return try await lanes.wide[wide].infer(inputs)
        }
        result.queued += waited
        return result
    }
}
