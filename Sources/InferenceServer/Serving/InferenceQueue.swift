import InstanceSegmentation
import Synchronization

/// A session in front of several. It answers exactly as the lanes behind it.
///
/// Who is alone gets all cores; who comes meanwhile runs beside, and nobody is alone again before all are done.
final class InferenceQueue: InferenceSession {
    let model: ModelDescription
    private let lanes: ServingLanes
    private let turnstile: Turnstile
    /// Inferences that run or wait.
    private let pending = Mutex(0)

    /// - Parameters:
    ///   - lanes: at least one, all of the same model.
    ///   - maxWaiting: how many may wait; the next is refused.
    ///   - longestWait: after which waiting is given up.
    init(lanes: ServingLanes, maxWaiting: Int, longestWait: Duration) {
        precondition(!lanes.many.isEmpty, "a queue needs somewhere to run")
        model = lanes.many[0].model
        self.lanes = lanes
        turnstile = Turnstile(places: lanes.many.count, maxWaiting: maxWaiting, longestWait: longestWait)
    }

    /// - Throws: `ServingError.overloaded`, `ServingError.deadlineExceeded`, `CancellationError`, or what the lane throws.
    func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        pending.withLock { $0 += 1 }
        defer { pending.withLock { $0 -= 1 } }
        var (result, waited) = try await turnstile.inside { lane in
            let isAlone = pending.withLock { $0 == 1 }
            let session = isAlone ? lanes.alone ?? lanes.many[lane] : lanes.many[lane]
            return try await session.infer(inputs)
        }
        result.queued += waited
        return result
    }
}
