import CoreMetrics
import Synchronization

/// A factory that counts how often it is asked for an instrument.
final class CountingFactory: MetricsFactory, Sendable {
    private let made = Mutex((counters: 0, timers: 0))
    private let factory = NOOPMetricsHandler.instance

    /// Number of counters made.
    var counters: Int { made.withLock { $0.counters } }
    /// Number of timers made.
    var timers: Int { made.withLock { $0.timers } }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        made.withLock { $0.counters += 1 }
        return factory
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        made.withLock { $0.timers += 1 }
        return factory
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler { factory }
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
}
