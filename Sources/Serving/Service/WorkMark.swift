import Synchronization

/// Whether the work of a query has begun: one of its images was decoded. Until then its quota can be given back.
final class WorkMark: Sendable {
    private let mark = Mutex(false)

    var hasBegun: Bool { mark.withLock { $0 } }

    func begin() { mark.withLock { $0 = true } }
}
