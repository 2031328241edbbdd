import Hummingbird
import NIOCore
import Serving

/// Reads the bodies of requests within their size and within the memory that bodies may use together.
struct BodyReader: Sendable {
    let memory: MemoryBudget
    /// Bytes of one body.
    let maxSize: Int

    /// A body, and the memory that it takes until the lease ends.
    struct Body: Sendable {
        let bytes: ByteBuffer
        let lease: MemoryLease
    }

    /// Refuses a request before its body is read where it would be refused afterwards.
    /// - Parameter grant: what is known of the caller.
    /// - Throws: `SchedulerError`.
    func checkRoom(for request: Request, _ grant: Grant?, _ scheduler: Scheduler) throws(SchedulerError) {
        let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 1
        // A body that is larger than any may be is refused for that.
        let bytes = announced > maxSize ? 1 : max(announced, 1)
        try scheduler.checkRoom(key: grant?.keyID, bytes: bytes, of: grant == nil ? .strangerBodies : .bodies)
    }

    /// Reads the whole body of a request.
    /// - Parameters:
    ///   - limit: bytes of the body, where it is less than that of all bodies.
    ///   - isKnown: whether the request has shown a key, or needs none. Others share a small part of the memory, so that they cannot
    ///     crowd out those that have one.
    func read(
        _ request: Request, _ context: ServerContext, limit: Int? = nil, isKnown: Bool
    ) async throws -> Body {
        if isKnown { context.callerIsKnown() }
        let lease = MemoryLease(of: isKnown ? .bodies : .strangerBodies, from: memory)
        let bytes = try await request.collectedBody(
            limit: min(limit ?? maxSize, maxSize), context: context, reserve: { try lease.grow(by: $0) })
        return Body(bytes: bytes, lease: lease)
    }
}
