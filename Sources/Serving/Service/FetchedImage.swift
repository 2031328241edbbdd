import Foundation

extension ImageFetching {
    /// Fetches an image into the memory of a lease, which counts as a request body. If the memory is reassigned to
    /// another body, the fetch ends at once, so that the bytes of both are not held at the same time.
    /// - Parameters:
    ///   - owner: the caller's key.
    ///   - end: when the request's time is up.
    /// - Throws: `ServiceError`; `SchedulerError.memoryExhausted` where the memory was given to another body;
    ///   `CancellationError`.
    func fetch(
        _ address: String, for owner: String?, into lease: BodyLease, until end: ContinuousClock.Instant
    ) async throws -> any ContiguousBytes & Sendable {
        let (displacement, source) = AsyncStream.makeStream(of: Never.self)
        lease.onDisplacement { source.finish() }
        return try await withThrowingTaskGroup(of: (any ContiguousBytes & Sendable).self) { group in
            group.addTask {
                try await fetch(address, for: owner) { try await lease.grow(to: $0, until: end) }
            }
            group.addTask {
                for await _ in displacement {}
                // The stream also ends when the task is canceled.
                try Task.checkCancellation()
                try lease.arrive()
                throw CancellationError()
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() else { throw CancellationError() }
            try lease.arrive()
            return bytes
        }
    }
}

extension BodyLease {
    /// Waits until the lease holds a number of bytes, for as long as a request has time.
    /// - Throws: `ServiceError`; it is `.deadlineExceeded` where the request's time was up, whichever wait ended first.
    fileprivate func grow(to bytes: Int, until end: ContinuousClock.Instant) async throws {
        do { try await grow(to: bytes, within: end.remaining()) } catch SchedulerError.memoryExhausted
            where ContinuousClock.now >= end
        {
            throw ServiceError.deadlineExceeded
        } catch { throw ServiceError(error) }
    }
}

extension ContinuousClock.Instant {
    /// The time that is left until this one.
    /// - Throws: `ServiceError.deadlineExceeded` where it is up.
    func remaining() throws -> Duration {
        let rest = self - ContinuousClock.now
        guard rest > .zero else { throw ServiceError.deadlineExceeded }
        return rest
    }
}
