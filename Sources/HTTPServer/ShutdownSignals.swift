import Dispatch
import Foundation
import InstanceSegmentation
import Logging
import Synchronization

/// Handles the signals of a server: a drain with a deadline on the first SIGTERM or SIGINT, an immediate end on the second, and
/// a reload on SIGHUP.
///
/// The handlers run on a queue of their own, so that they also run while all other threads are busy.
final class ShutdownSignals: Sendable {
    private struct State {
        /// The signal that began the shutdown, and when.
        var first: (number: Int32, time: ContinuousClock.Instant)?
        /// Whether the server has ended by itself, so that nothing is left to do.
        var isOver = false
        /// Whether a reload is scheduled that has not begun.
        var isReloadScheduled = false
    }

    private let timeout: Duration
    private let logger: Logger
    private let requestsInFlight: @Sendable () -> Int
    private let drain: @Sendable () -> Void
    private let reload: @Sendable () -> Void
    private let reloadDelay: Duration
    private let end: @Sendable (Int32) -> Void
    private let queue = DispatchQueue(label: "silhouette.signals", qos: .userInitiated)
    /// For reloading, which may take long, so that it does not delay an end.
    private let reloadQueue = DispatchQueue(label: "silhouette.reload", qos: .utility)
    private let state = Mutex(State())

    /// - Parameters:
    ///   - timeout: how long to wait for requests in flight; none at all when it is zero.
    ///   - requestsInFlight: how many there are, for what is logged when the time is over.
    ///   - drain: makes the server stop accepting connections and answer the requests in flight.
    ///   - reload: reads anew what may have changed. It may block, runs once at a time, and not for a server that is stopping.
    ///   - reloadDelay: how long to wait for further signals before a reload, so that several in a row cause one.
    ///   - end: ends the process with an exit code.
    init(
        timeout: Duration, logger: Logger, requestsInFlight: @escaping @Sendable () -> Int = { 0 },
        drain: @escaping @Sendable () -> Void,
        reload: @escaping @Sendable () -> Void = {}, reloadDelay: Duration = .milliseconds(100),
        end: @escaping @Sendable (Int32) -> Void = { _exit($0) }
    ) {
        self.timeout = timeout
        self.logger = logger
        self.requestsInFlight = requestsInFlight
        self.drain = drain
        self.reload = reload
        self.reloadDelay = reloadDelay
        self.end = end
    }

    /// Runs a server while its signals are handled.
    func handling(_ body: () async throws -> Void) async throws {
        let sources = [SIGTERM, SIGINT, SIGHUP].map { number in
            let previous = signal(number, SIG_IGN)  // so that the default action does not end the process
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { self.receive(number) }
            source.resume()
            return (number: number, source: source, previous: previous)
        }
        defer {
            state.withLock { $0.isOver = true }
            for each in sources {
                each.source.cancel()
                signal(each.number, each.previous)
            }
        }
        try await body()
    }

    /// Acts on a signal.
    func receive(_ number: Int32) {
        if number == SIGHUP { return scheduleReload() }
        let now = ContinuousClock.now
        let first = state.withLock { state in
            defer { if state.first == nil { state.first = (number, now) } }
            return state.first
        }
        guard !state.withLock(\.isOver) else { return }
        if let first {
            // A terminal and a parent process may send one each for the same event.
            guard first.number == number || now - first.time > .milliseconds(100) else { return }
            logger.warning("Ended by a second signal; requests in flight were dropped")
            return end(128 + number)
        }
        let seconds = timeout.seconds
        guard seconds > 0 else { return endNow(after: 0) }
        logger.info(
            "Stopping: waiting up to \(seconds) s for requests in flight; a second signal ends the server at once")
        queue.asyncAfter(deadline: .now() + seconds) { [self] in
            guard state.withLock({ !$0.isOver }) else { return }
            endNow(after: seconds)
        }
        drain()
    }

    private func endNow(after seconds: Double) {
        let count = requestsInFlight()
        if count > 0 {
            logger.warning(
                "Ended with requests in flight, after waiting for them for \(seconds) s",
                metadata: ["requests": "\(count)"])
        } else {
            logger.info("Ended after \(seconds) s; no request was in flight")
        }
        end(0)
    }

    private func scheduleReload() {
        let isNew = state.withLock { state in
            defer { state.isReloadScheduled = true }
            return !state.isReloadScheduled
        }
        guard isNew else { return }
        reloadQueue.asyncAfter(deadline: .now() + reloadDelay.seconds) { [self] in
            let isStopping = state.withLock { state in
                state.isReloadScheduled = false  // what changes from here on needs another signal
                return state.isOver || state.first != nil
            }
            guard !isStopping else { return }
            logger.info("SIGHUP: reloading")
            reload()
        }
    }
}
