import Logging
import ServiceLifecycle
import Serving

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
