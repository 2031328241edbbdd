import InstanceSegmentation
import Synchronization

/// Bounds how many inferences run at once over all models. Further ones wait in FIFO order.
final class InferenceGate: Sendable {
    private struct State {
        var free: Int
        var lastTicket: UInt64 = 0
        var line = FlowLine<UInt64>()
        /// The callers that wait, and their places in the line.
        var waiters: [UInt64: (place: UInt64, caller: CheckedContinuation<Void, any Error>)] = [:]

        mutating func remove(_ ticket: UInt64) -> CheckedContinuation<Void, any Error>? {
            guard let waiter = waiters.removeValue(forKey: ticket) else { return nil }
            line.remove(sequence: waiter.place)
            return waiter.caller
        }
    }

    private let state: Mutex<State>

    /// Creates a gate.
    /// - Parameter limit: the number of inferences that run at once, at least 1.
    init(limit: Int) {
        state = Mutex(State(free: max(1, limit)))
    }

    /// Runs a closure when it is its turn.
    /// - Returns: what the closure returns, and how long it waited.
    /// - Throws: `CancellationError` if the task was canceled while it waited; else what the closure throws.
    func run<Result: Sendable>(
        _ body: @Sendable () async throws -> Result
    ) async throws -> (result: Result, waited: Duration) {
        let start = ContinuousClock.now
        let ticket = state.withLock { state -> UInt64? in
            if state.free > 0, state.line.isEmpty {
                state.free -= 1
                return nil
            }
            state.lastTicket += 1
            return state.lastTicket
        }
        if let ticket { try await wait(ticket) }
        defer { leave() }
        let waited = ticket == nil ? .zero : ContinuousClock.now - start
        if ticket != nil { try Task.checkCancellation() }
        return (try await body(), waited)
    }

    private func wait(_ ticket: UInt64) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (caller: CheckedContinuation<Void, any Error>) in
                let outcome = state.withLock { state -> Result<Void, any Error>? in
                    // A task that is canceled later finds the waiter in the line.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.free > 0, state.line.isEmpty {
                        state.free -= 1
                        return .success(())
                    }
                    state.lastTicket += 1
                    state.line.append(ticket, sequence: state.lastTicket)
                    state.waiters[ticket] = (state.lastTicket, caller)
                    return nil
                }
                if let outcome { caller.resume(with: outcome) }
            }
        } onCancel: {
            let caller = state.withLock { $0.remove(ticket) }
            caller?.resume(throwing: CancellationError())
        }
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            if let first = state.line.first, let caller = state.remove(first) { return caller }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}

/// A loaded model whose inferences pass a gate that it shares with other models.
struct GatedModel: LoadedModel {
    let wrapped: any LoadedModel
    let gate: InferenceGate

    var modelDescription: ModelDescription { wrapped.modelDescription }
    var maxConcurrency: Int { wrapped.maxConcurrency }

    func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        var (result, waited) = try await gate.run { try await wrapped.infer(inputs) }
        result.queueDuration += waited
        return result
    }

    func warmUp(_ inputs: [String: Tensor]) async throws { try await wrapped.warmUp(inputs) }
}
