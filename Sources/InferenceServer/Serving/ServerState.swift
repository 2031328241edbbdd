import InstanceSegmentation
import Logging
import ServiceLifecycle
import Synchronization

/// Whether the server answers predictions, and how many it is at.
final class ServerState: Sendable {
    private enum Phase { case starting, ready, draining }

    private let phase = Mutex(Phase.starting)
    private let requestsInFlight = Mutex(0)
    /// When a prediction was last begun or ended; `nil` where nothing happened since the last rest.
    private let lastWork = Mutex<ContinuousClock.Instant?>(nil)
    private let (listening, listeningSource) = AsyncStream.makeStream(
        of: Int.self, bufferingPolicy: .bufferingNewest(1))

    var isReady: Bool { phase.withLock { $0 == .ready } }

    /// Whether models are still being loaded ahead of requests.
    var isStarting: Bool { phase.withLock { $0 == .starting } }

    /// Predictions at work or waiting.
    var inFlight: Int { requestsInFlight.withLock { $0 } }

    func becomeReady() {
        phase.withLock { if $0 == .starting { $0 = .ready } }
    }

    /// Says that connections are accepted.
    func isListening(on port: Int) {
        listeningSource.yield(port)
        listeningSource.finish()
    }

    /// The port, once connections are accepted; `nil` where waiting for it was cancelled.
    func listeningPort() async -> Int? {
        await listening.first { _ in true }
    }

    func drain() {
        phase.withLock { $0 = .draining }
    }

    /// Does something unless `limit` others are at it.
    /// - Throws: `ServingError.overloaded`, before anything was read or decoded.
    func admitted<Result>(limit: Int, _ body: () async throws -> Result) async throws -> Result {
        let isAdmitted = requestsInFlight.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard isAdmitted else { throw ServingError.overloaded }
        lastWork.withLock { $0 = .now }
        defer {
            requestsInFlight.withLock { $0 -= 1 }
            lastWork.withLock { $0 = .now }
        }
        return try await body()
    }
}

extension ServerState {
    /// Whether nothing was done for a while after something was. True once for each rest.
    func begins(restAfter quiet: Duration) -> Bool {
        guard inFlight == 0 else { return false }
        return lastWork.withLock { last in
            guard let time = last, ContinuousClock.now - time >= quiet else { return false }
            last = nil
            return true
        }
    }
}

/// Says when a server has come to rest after work, so that memory can be given back.
struct RestWatcher: Service {
    let state: ServerState
    let quiet: Duration
    let whenResting: @Sendable () async -> Void

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: quiet / 4)
                if state.begins(restAfter: quiet) { await whenResting() }
            }
        }
    }
}

/// Opens the models that are wanted from the start, then says that the server is ready.
struct ModelPreloader: Service {
    let catalog: ModelCatalog
    let models: [ModelID]
    let state: ServerState
    let logger: Logger
    let whenReady: @Sendable (Int) async -> Void

    func run() async throws {
        // Listening comes first, so that whoever waits for the server is told what it waits for.
        guard let port = await state.listeningPort() else { return }
        do {
            try await cancelWhenGracefulShutdown {
                for id in models {
                    try Task.checkCancellation()
                    // A model that cannot be loaded is logged and answers with its error; the others are served.
                    do { _ = try await catalog.model(id) } catch ServingError.notReady {
                        logger.warning("Model \(id) takes long to load; the server becomes ready without it")
                    } catch {}
                }
            }
        } catch is CancellationError {
            return state.drain()  // told to stop while it was still starting
        }
        state.becomeReady()
        logger.info("Ready")
        await whenReady(port)
        try? await gracefulShutdown()
        state.drain()
    }
}
