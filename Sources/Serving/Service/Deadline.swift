import Synchronization

/// Runs an operation and returns at the latest when its time is up, or when the caller's task is canceled. The operation is canceled then;
/// it goes on by itself to its next check for cancellation, and keeps what it holds until it ends.
/// - Throws: `ServiceError.deadlineExceeded` where the time was up, `CancellationError` where the caller was canceled, else what the
///   operation throws.
func withDeadline<Result: Sendable>(
    _ timeout: Duration, _ operation: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let first = FirstOutcome<Result>()
    let work = Task {
        do { first.set(.success(try await operation())) } catch { first.set(.failure(error)) }
    }
    let timer = Task {
        do { try await Task.sleep(for: timeout) } catch { return }
        if first.set(.failure(ServiceError.deadlineExceeded)) { work.cancel() }
    }
    defer { timer.cancel() }
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { first.onOutcome($0) }
    } onCancel: {
        work.cancel()
        first.set(.failure(CancellationError()))
    }
}

/// The outcome that comes first of several.
private final class FirstOutcome<Value: Sendable>: Sendable {
    private enum State {
        case open
        case waiting(CheckedContinuation<Value, any Error>)
        case done(Result<Value, any Error>)
    }

    private let state = Mutex(State.open)

    /// Sets the outcome, unless there is one already.
    /// - Returns: whether this one counts.
    @discardableResult func set(_ outcome: Result<Value, any Error>) -> Bool {
        let (isFirst, waiter) = state.withLock { state -> (Bool, CheckedContinuation<Value, any Error>?) in
            switch state {
            case .open:
                state = .done(outcome)
                return (true, nil)
            case .waiting(let waiter):
                state = .done(outcome)
                return (true, waiter)
            case .done: return (false, nil)
            }
        }
        waiter?.resume(with: outcome)
        return isFirst
    }

    /// Resumes the continuation with the outcome.
    func onOutcome(_ waiter: CheckedContinuation<Value, any Error>) {
        let outcome = state.withLock { state -> Result<Value, any Error>? in
            if case .done(let outcome) = state { return outcome }
            state = .waiting(waiter)
            return nil
        }
        if let outcome { waiter.resume(with: outcome) }
    }
}
