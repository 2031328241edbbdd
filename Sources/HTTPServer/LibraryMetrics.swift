public import CoreMetrics
import Metrics
public import NIOCore
import NIOPosix
public import Serving

/// The metrics of the libraries that the server is built with, as far as they record any.
public enum LibraryMetrics {
    /// Help lines, for a `PrometheusRegistry`.
    public static let descriptions = [
        MetricDescription("hb_requests", help: "Requests answered, by Hummingbird: by route, method and status."),
        MetricDescription("hb_request_errors", help: "Requests answered with an error status, by Hummingbird."),
        MetricDescription("http_server_active_requests", help: "Requests being answered, by method."),
        MetricDescription(
            "http_server_request_duration", help: "Seconds from a request's head to its answer, errors excluded."),
        MetricDescription(EventLoopMetrics.ticks, help: "Seconds that an event loop was busy at a stretch."),
        MetricDescription(EventLoopMetrics.tasks, help: "Tasks and events that the event loops handled."),
    ]

    /// Makes the event loops of a server, one for each core; they record how long they are busy. They run until the process ends.
    public static func eventLoops(factory: any MetricsFactory) -> any EventLoopGroup {
        MultiThreadedEventLoopGroup(
            numberOfThreads: System.coreCount, metricsDelegate: EventLoopMetrics(factory: factory))
    }
}

/// Records the turns of SwiftNIO's event loops. A long turn means that something blocks the loop, and every connection on it.
struct EventLoopMetrics: NIOEventLoopMetricsDelegate {
    /// Name of the histogram of turns.
    static let ticks = "nio_event_loop_tick_seconds"
    /// Name of the counter of tasks.
    static let tasks = "nio_event_loop_tasks_total"

    private let ticks: Timer
    private let tasks: Counter

    init(factory: any MetricsFactory) {
        ticks = Timer(label: Self.ticks, factory: factory)
        tasks = Counter(label: Self.tasks, factory: factory)
    }

    func processedTick(info: NIOEventLoopTickInfo) {
        ticks.recordNanoseconds((info.endTime - info.startTime).nanoseconds)
        tasks.increment(by: info.numberOfTasks)
    }
}
