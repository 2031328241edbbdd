import InstanceSegmentation
import Logging
import ServiceLifecycle
import Serving
import Synchronization

/// Whether the server answers predictions.
final class ServerState: Sendable {
    private let hasStarted = Atomic(false)
    private let (listening, listeningSource) = AsyncStream.makeStream(
        of: Int.self, bufferingPolicy: .bufferingNewest(1))

    var isReady: Bool { hasStarted.load(ordering: .acquiring) }

    func becomeReady() { hasStarted.store(true, ordering: .releasing) }

    /// Records that connections are accepted.
    func isListening(on port: Int) {
        listeningSource.yield(port)
        listeningSource.finish()
    }

    /// The port, once connections are accepted; `nil` where waiting for it was canceled.
    func listeningPort() async -> Int? {
        await listening.first { _ in true }
    }
}

/// Detects that the server became idle after work, so that memory can be released.
struct IdleMonitor: Service {
    let scheduler: Scheduler
    /// How long no prediction runs or waits before the server counts as idle.
    let quiet: Duration
    let onIdle: @Sendable () async -> Void

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var released = 0
            var last = (count: 0, time: ContinuousClock.now)
            while true {
                try await Task.sleep(for: quiet / 4)
                let snapshot = scheduler.snapshot
                let ended = snapshot.completed + snapshot.failed + snapshot.cancelled
                let now = ContinuousClock.now
                if snapshot.running + snapshot.waiting > 0 || ended != last.count {
                    last = (ended, now)
                } else if ended != released, now - last.time >= quiet {
                    released = ended
                    await onIdle()
                }
            }
        }
    }
}

/// Takes over changes of the models on disk.
struct ModelWatcher: Service {
    let pool: ModelPool
    let logger: Logger
    /// Whether the folder is looked at again and again, and not only when the server is told to.
    let watches: Bool

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup { group in
                group.addTask { await pool.run() }
                group.addTask {
                    if watches {
                        await pool.repository.watch(every: .seconds(1))
                    } else {
                        // The headers of the models that were found before the server listened.
                        do { try await pool.repository.rescan() } catch { logger.warning("\(error)") }
                    }
                }
            }
        }
    }
}

/// Loads the models that are wanted from the start, then marks the server as ready.
struct ModelPreloader: Service {
    let pool: ModelPool
    let models: [ModelID]
    let state: ServerState
    let logger: Logger
    let onReady: @Sendable (Int) async -> Void

    func run() async throws {
        // Listening comes first, so that early requests are answered with the reason why they have to wait.
        guard let port = await state.listeningPort() else { return }
        do {
            try await cancelWhenGracefulShutdown {
                // Next to one another, so that one that hangs delays none; the pool bounds the loads.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for id in models { group.addTask { try await load(id) } }
                    try await group.waitForAll()
                }
            }
        } catch is CancellationError {
            return  // told to stop while it was still starting
        }
        state.becomeReady()
        logger.info("Ready")
        await onReady(port)
        try? await gracefulShutdown()
    }

    /// Loads a model. One that cannot be loaded is logged by the pool and answers with its error; the others are served.
    private func load(_ id: ModelID) async throws {
        while true {
            do {
                _ = try await pool.model(id)
                return
            } catch PoolError.notReady {
                return logger.warning("Model \(id) takes long to load; the server becomes ready without it")
            } catch PoolError.overloaded {
                try await Task.sleep(for: .milliseconds(100))
            } catch is PoolError {
                return
            }
        }
    }
}
