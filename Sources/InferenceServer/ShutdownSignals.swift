import Dispatch
import Foundation
import Logging
import Synchronization

/// Makes sure that a server that was told to stop does stop, whatever its requests are waiting for.
///
/// The service group handles the first SIGTERM or SIGINT: it stops accepting connections and waits for the requests in flight. This
/// adds a deadline to that, an immediate end on the second signal, and a SIGHUP that does not end the process. The handlers run on a
/// queue of their own, so that they also run while all other threads are busy.
final class ShutdownSignals: Sendable {
    private let timeout: Duration
    private let logger: Logger
    private let end: @Sendable (Int32) -> Void
    private let queue = DispatchQueue(label: "silhouette.signals", qos: .userInitiated)
    private let isStopping = Mutex(false)

    /// - Parameters:
    ///   - timeout: how long to wait for requests in flight.
    ///   - end: ends the process with an exit code.
    init(timeout: Duration, logger: Logger, end: @escaping @Sendable (Int32) -> Void = { _exit($0) }) {
        self.timeout = timeout
        self.logger = logger
        self.end = end
    }

    /// Handles the signals until the process ends.
    func handle() {
        for number in [SIGTERM, SIGINT, SIGHUP] {
            signal(number, SIG_IGN)  // the source receives it all the same
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            // Held by its own handler, the source lives as long as the process.
            source.setEventHandler { withExtendedLifetime(source) { self.receive(number) } }
            source.resume()
        }
    }

    /// What a signal does.
    func receive(_ number: Int32) {
        if number == SIGHUP {
            logger.info("SIGHUP: nothing to reload; replaced certificates are picked up without it")
            return
        }
        let isFirst = isStopping.withLock { isStopping in
            defer { isStopping = true }
            return !isStopping
        }
        guard isFirst else {
            logger.warning("Ended by a second signal; requests in flight were dropped")
            return end(128 + number)
        }
        let seconds = timeout.seconds
        logger.info(
            "Stopping: waiting up to \(seconds) s for requests in flight; a second signal ends the server at once")
        queue.asyncAfter(deadline: .now() + seconds) { [logger, end] in
            logger.warning("Ended with requests in flight, after waiting for them for \(seconds) s")
            end(0)
        }
    }
}
