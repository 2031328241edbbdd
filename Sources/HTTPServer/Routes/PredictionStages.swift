import Hummingbird
import RuntimeSupport
import Serving

/// What the routes that predict have in common: what a request passes before its body is read, and how its answer is made.
struct PredictionStages: Sendable {
    let service: any PredictionService
    let access: RequestAccess
    let bodies: BodyReader
    let answers: AnswerBodies
    let readiness: Readiness
    let scheduler: Scheduler
    /// Where bodies are parsed and answers written.
    let workers: WorkerPool

    /// Refuses a request before its body is read where it would be refused afterwards.
    /// - Parameter check: what the route checks once it is known who asks.
    /// - Returns: what the caller may do; `nil` where a key may still stand in the body.
    /// - Throws: `SchedulerError.queueFull`, `ServiceError`.
    func admit(
        _ request: Request, _ context: ServerContext, check: (Grant?) async throws -> Void
    ) async throws -> Grant? {
        try access.checkRoom(request, context, scheduler)
        let grant = try await access.grantBeforeBody(request, context)
        try await check(grant)
        try scheduler.checkRoom(key: grant?.keyID)
        try answers.memory.requireRoom()
        return grant
    }

    /// Calls a function on the workers, unless the client has left.
    ///
    /// Requests that have shown no key yet wait behind those of known callers, and leave one of several workers free.
    /// - Parameter grant: what the caller may do; `nil` where a key may still stand in the body.
    func onWorkers<Result: Sendable>(
        for grant: Grant?, _ body: @Sendable () throws -> Result
    ) async throws -> Result {
        let executor: any TaskExecutor = grant == nil ? workers.background : workers
        return try await withTaskExecutorPreference(executor) {
            try Task.checkCancellation()
            return try body()
        }
    }

    /// Predicts and makes the response.
    /// - Parameters:
    ///   - lease: the memory of the body, held until the response is made.
    ///   - response: makes it of the outcome, and of a function that makes a body of bytes.
    func respond(
        to query: PredictionQuery, _ grant: Grant, _ lease: BodyLease?, _ context: ServerContext,
        _ response: @Sendable (PredictionOutcome, ([UInt8]) -> ResponseBody) throws -> Response
    ) async throws -> Response {
        var query = query
        query.body = lease
        let outcome = try await service.predict(query, grant: grant)
        context.record.add(outcome)
        let (channel, owner) = (context.channel, context.owner(grant))
        defer { lease?.release() }
        return try await onWorkers(for: grant) { try response(outcome) { answers.body($0, owner: owner, channel) } }
    }
}
