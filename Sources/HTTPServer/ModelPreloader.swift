import InstanceSegmentation
import Logging
import ServiceLifecycle
import Serving

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

    /// Loads a model. One that cannot be loaded is logged by the pool and answers with its error; the others are
    /// served.
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
