import Synchronization

/// Whether the work of a query has started, that is, one of its images was decoded. Until then its quota can be
/// refunded.
final class WorkMark: Sendable {
    private let mark = Mutex(false)

    var hasBegun: Bool { mark.withLock { $0 } }

    func begin() { mark.withLock { $0 = true } }
}
