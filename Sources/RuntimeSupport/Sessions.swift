import Dispatch
import Foundation
import InstanceSegmentation
import Synchronization

/// Owns the sessions of a model, so that the thread on which they are released can be chosen.
final class Sessions: Sendable {
    private struct Runs {
        let narrow: BlockingRun
        let wide: BlockingRun
    }

    private let runs: Mutex<Runs?>

    /// - Parameters:
    ///   - run: the session for any number of runs.
    ///   - wide: the session for few runs; the same if there is only one.
    init(run: @escaping BlockingRun, wide: @escaping BlockingRun) {
        runs = Mutex(Runs(narrow: run, wide: wide))
    }

    /// Runs the network. Blocks the calling thread.
    /// - Throws: the runtime's error; `CancellationError` once the sessions are released.
    func run(_ inputs: [String: Tensor], isWide: Bool) throws -> [String: Tensor] {
        guard let runs = runs.withLock({ $0 }) else { throw CancellationError() }
        return try isWide ? runs.wide(inputs) : runs.narrow(inputs)
    }

    /// Releases the sessions on a thread that ends afterwards; one that never returns holds up no other.
    func releaseOnThread() {
        let pending = Self.pending
        pending.enter()
        let jobs = ThreadJobs(threadName: "release")
        jobs.append {
            self.clear()
            pending.leave()
        }
        jobs.close()
    }

    private func clear() {
        let last = runs.withLock { $0.take() }
        withExtendedLifetime(last) {}
    }

    /// The releases in progress. A process that exits waits for them for a while: a runtime must not be torn down during one.
    private static let pending: DispatchGroup = {
        let group = DispatchGroup()
        atexit { _ = Sessions.pending.wait(timeout: .now() + .seconds(5)) }
        return group
    }()
}
