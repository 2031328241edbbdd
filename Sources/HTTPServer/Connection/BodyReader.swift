import HTTPTypes
import Hummingbird
import ImageCodecs
import NIOCore
import Serving

/// Reads the bodies of requests within their size and within the memory that bodies may use together.
struct BodyReader: Sendable {
    let memory: BodyMemory
    /// Bytes of one body.
    let maxSize: Int

    /// A body, and the memory that it takes until the lease ends.
    struct Body: Sendable {
        let bytes: ByteBuffer
        let lease: BodyLease
    }

    /// How a body is read.
    struct Plan: Sendable {
        /// Bytes of the body, where it is less than that of all bodies.
        var limit: Int?
        /// Whether the body is text, which is in memory a second time while it is parsed, and its image after that.
        var isText = false
        /// The longest time to wait for memory, where it is less than that of all bodies.
        var patience: Duration?
    }

    /// The number of times that any body is in memory at most.
    static let maxCopies = 2
    /// The memory that is reserved for a stranger's body at first, and for one of unknown length, in bytes: little enough that a few
    /// hundred strangers fit that send next to nothing.
    private var firstStep: Int { min(64 << 10, max(4 << 10, memory.budget.limits.strangerBodies / 256)) }

    /// Reads the whole body of a request. While there is no memory for it, nothing is read.
    ///
    /// Callers that have shown a key have memory of their own, and that of all announced bytes before the first one is read. Others
    /// share a small part. A request of theirs that is refused ends its connection, and its body is not read to the end.
    /// - Parameter grant: what the caller may do; nil where a key may still stand in the body.
    /// - Throws: `RequestError`, `BodyTimeoutError`, `SchedulerError.memoryExhausted`, `ServiceError.unauthorized` for a body in which no key
    ///   can stand, or `CancellationError`.
    func read(_ request: Request, _ context: ServerContext, grant: Grant?, _ plan: Plan = Plan()) async throws -> Body {
        if grant != nil { context.callerIsKnown() }
        let channel = context.channel
        let lease = BodyLease(
            of: grant == nil ? .strangerBodies : .bodies, owner: context.owner(grant), from: memory)
        lease.onDisplacement { [memory] in
            let error = SchedulerError.memoryExhausted(retryAfter: memory.retryAfter)
            channel.triggerUserOutboundEvent(ExchangeHandler.BodyRefused(error: error), promise: nil)
        }
        do {
            let bytes = try await collect(request, context, isKnown: grant != nil, lease, plan)
            try lease.arrive()
            return Body(bytes: bytes, lease: lease)
        } catch {
            if grant == nil { channel.triggerUserOutboundEvent(ExchangeHandler.BodyRefused(error: nil), promise: nil) }
            throw error
        }
    }

    private func collect(
        _ request: Request, _ context: ServerContext, isKnown: Bool, _ lease: BodyLease, _ plan: Plan
    ) async throws -> ByteBuffer {
        let limit = min(plan.limit ?? maxSize, maxSize)
        let announced = request.headers[.contentLength].flatMap { Int($0) }.map { min(max($0, 0), limit) }
        let isForm = MultipartForm.boundary(contentType: request.headers[.contentType] ?? "") != nil
        var (received, reserved) = (0, 0)
        func reserve(_ target: Int) async throws {
            reserved = min(target, limit)
            try await lease.grow(to: bytes(reserved, plan.isText ? Self.maxCopies : 1), within: plan.patience)
        }
        return try await request.collectedBody(limit: limit, context: context) { part in
            if received == 0, !isKnown, !isForm, ImageFormat(signature: part.readableBytesView) != nil {
                throw ServiceError.unauthorized
            }
            received += part.readableBytes
            guard received > reserved else { return }
            try await reserve(announced ?? max(received, 2 * reserved))
        } prepare: {
            let first = announced ?? firstStep
            try await reserve(isKnown ? first : min(first, firstStep))
        }
    }

    /// The memory of a body, in bytes. The largest body always fits.
    private func bytes(_ size: Int, _ copies: Int) -> Int {
        let (bytes, overflow) = size.multipliedReportingOverflow(by: copies)
        let limits = memory.budget.limits
        return min(overflow ? .max : bytes, max(size, min(limits.bodies, limits.strangerBodies)))
    }
}

extension HTTPFields {
    /// Whether a body is text by its label, or may be: clients of the hosted service label base64 as a form, or not at all.
    var announceText: Bool {
        let type = self[.contentType]?.lowercased() ?? ""
        return !["image/", "multipart/", "application/octet-stream"].contains { type.hasPrefix($0) }
    }
}

extension ServerContext {
    /// Whom memory is accounted to: the caller's key, or its network where it has shown none.
    func owner(_ grant: Grant?) -> String? { grant?.keyID ?? CallerNetwork.name(of: channel.remoteAddress) }
}
