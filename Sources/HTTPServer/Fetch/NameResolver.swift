import Foundation
import Serving
import Synchronization

/// Resolves host names on threads of its own, since the system's function blocks and cannot be interrupted.
///
/// A caller that is canceled, or whose time is up, goes at once. The thread remains occupied until the system's function
/// returns, so the number of threads is limited, in total and per owner: names that never resolve delay only the caller that asks
/// for them.
final class NameResolver: Sendable {
    /// Blocks until the addresses of a name are known; empty where there are none.
    typealias Lookup = @Sendable (String) -> [IPAddress]

    private struct Job {
        let host: String
        var continuation: CheckedContinuation<[IPAddress], any Error>?
    }

    private struct State {
        var queue: LookupQueue
        var jobs: [Int: Job] = [:]
        var lastID = 0
    }

    private let timeout: Duration
    private let lookup: Lookup
    private let state: Mutex<State>

    /// - Parameters:
    ///   - limits: the bounds of threads and waiting callers.
    ///   - timeout: how long a caller waits, for a thread and for the addresses together.
    ///   - lookup: the function that resolves a name; by default the system's.
    init(
        limits: LookupQueue.Limits = LookupQueue.Limits(), timeout: Duration = .seconds(5),
        lookup: @escaping Lookup = IPAddress.resolve
    ) {
        self.timeout = timeout
        self.lookup = lookup
        state = Mutex(State(queue: LookupQueue(limits: limits)))
    }

    /// The number of lookups that wait for a thread.
    var waitingCount: Int { state.withLock { $0.queue.waitingCount } }

    /// The addresses of a name; empty where there are none.
    /// - Parameter owner: names the client, such as by the id of its key.
    /// - Throws: `ServiceError.overloaded`, `ServiceError.fetchTooSlow`, `CancellationError`.
    func addresses(of host: String, owner: String) async throws -> [IPAddress] {
        try await withThrowingTaskGroup(of: [IPAddress].self) { group in
            group.addTask { try await self.result(of: host, owner: owner) }
            group.addTask { [timeout] in
                try await Task.sleep(for: timeout)
                throw ServiceError.fetchTooSlow(seconds: Int(timeout.components.seconds))
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    private func result(of host: String, owner: String) async throws -> [IPAddress] {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let refusal: (any Error)? = state.withLock { state in
                    // The handler below comes before this or after it, but not between.
                    if Task.isCancelled { return CancellationError() }
                    let decision = state.queue.enter(id, owner: owner)
                    // A lookup takes milliseconds, or as long as the resolver's own timeout: there is nothing to estimate it from.
                    if decision == .refuse { return ServiceError.overloaded(retryAfter: 1) }
                    state.jobs[id] = Job(host: host, continuation: continuation)
                    if decision == .run { startThread(id, host) }
                    return nil
                }
                if let refusal { continuation.resume(throwing: refusal) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                let continuation = state.jobs[id]?.continuation
                if state.queue.abandon(id) { state.jobs[id] = nil } else { state.jobs[id]?.continuation = nil }
                return continuation
            }
            continuation?.resume(throwing: CancellationError())
        }
    }

    /// Starts a thread that performs a lookup, and then others that wait.
    private func startThread(_ id: Int, _ host: String) {
        let thread = Thread {
            var next: (id: Int, host: String)? = (id, host)
            while let (id, host) = next {
                next = self.finish(id, self.lookup(host))
            }
        }
        thread.name = "resolve"
        thread.stackSize = 512 << 10
        thread.start()
    }

    /// Answers the caller of a lookup. Returns the lookup that takes its place.
    private func finish(_ id: Int, _ addresses: [IPAddress]) -> (id: Int, host: String)? {
        let (continuation, next) = state.withLock { state in
            let continuation = state.jobs.removeValue(forKey: id)?.continuation
            let next = state.queue.finish(id).flatMap { next in state.jobs[next].map { (id: next, host: $0.host) } }
            return (continuation, next)
        }
        continuation?.resume(returning: addresses)
        return next
    }
}
