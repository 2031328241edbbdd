import ServiceLifecycle
import Serving

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
