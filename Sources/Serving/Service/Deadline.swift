/// Runs an operation and cancels it when its time is up. It ends at the operation's next check for cancellation.
/// - Throws: `ServiceError.deadlineExceeded` where the time was up, else what the operation throws.
func withDeadline<Result: Sendable>(
    _ timeout: Duration, _ operation: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask(operation: operation)
        group.addTask {
            try await Task.sleep(for: timeout)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else {
            throw ServiceError.deadlineExceeded
        }
        return result
    }
}
