public import CoreMetrics
import Synchronization

/// A swift-metrics backend that exposes all metrics as one page in Prometheus' text format.
///
/// Recording to an existing instrument is a few atomic operations and never waits, neither for other recordings nor for
/// the page. Creating an instrument takes a lock. Instruments of the same name and labels share one series.
/// Series beyond the limits, and series whose name belongs to a metric of another type, are not exposed. They are
/// counted in `silhouette_metrics_dropped_series_total`, and reported once per name.
public final class PrometheusRegistry: MetricsFactory, Sendable {
    private struct State {
        var families: MetricFamilies
        var warned: Set<String> = []
    }

    /// The media type of ``text()``.
    public static let contentType = PrometheusPage.contentType

    private let state: Mutex<State>
    private let limits: MetricsLimits
    private let descriptions: [String: MetricDescription]
    private let warn: @Sendable (String) -> Void
    private let dropped: CounterSeries

    /// Creates an empty registry.
    ///
    /// - Parameters:
    ///   - descriptions: Help texts and bounds by metric name. Metrics of libraries need no entry.
    ///   - warn: Receives a sentence about each name whose series are rejected, at most once per name.
    public init(
        limits: MetricsLimits = MetricsLimits(), descriptions: [MetricDescription] = [],
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.limits = limits
        self.warn = warn
        self.descriptions = Dictionary(
            descriptions.map { (PrometheusText.metricName($0.name, maxBytes: limits.maxNameBytes), $0) },
            uniquingKeysWith: { first, _ in first })
        let key = SeriesKey(name: "silhouette_metrics_dropped_series_total", labels: "")
        let dropped = CounterSeries(key)
        self.dropped = dropped
        var families = MetricFamilies(limits: limits)
        // Only limits of zero refuse it, which show nothing at all.
        _ = try? families.series(
            key, type: .counter, help: "Metric series requested and not created, because of a limit or a name in use.",
            make: { .counter(dropped) })
        state = Mutex(State(families: families))
    }

    /// Returns the page with the current values.
    ///
    /// - Complexity: O(*n* log *n*) in the number of series. Readings run on the caller's thread, outside of the lock.
    public func text() -> String { PrometheusPage(state.withLock { $0.families.families }).text }

    /// Adds a gauge whose value is read when the page is written. It replaces one of the same name and labels.
    ///
    /// - Parameter value: Must return at once. The sample is omitted while it returns `nil`. The registry retains the
    ///   closure.
    public func gauge(
        _ name: String, help: String? = nil, labels: [(String, String)] = [],
        value: @escaping @Sendable () -> Double?
    ) {
        add(.gauge, name, help: help, labels: labels, value: value)
    }

    /// Adds a counter whose value is read when the page is written. It replaces a counter with the same name and
    /// labels.
    ///
    /// - Parameter value: Must return at once, and never decrease. The sample is omitted while it returns `nil`.
    public func counter(
        _ name: String, help: String? = nil, labels: [(String, String)] = [],
        value: @escaping @Sendable () -> Double?
    ) {
        add(.counter, name, help: help, labels: labels, value: value)
    }

    private func add(
        _ type: MetricType, _ name: String, help: String?, labels: [(String, String)],
        value: @escaping @Sendable () -> Double?
    ) {
        let key = key(name, labels, type)
        let help = help ?? descriptions[key.name]?.help
        admit(key) { families throws(MetricFamilies.Refusal) in
            try families.insert(reading: value, key, type: type, help: help)
        }
    }

    /// Returns the series of that name, labels and type, or `nil` if it was refused.
    private func series(
        _ name: String, _ labels: [(String, String)], _ type: MetricType, make: (SeriesKey) -> MetricSeries
    ) -> MetricSeries? {
        let key = key(name, labels, type)
        let help = descriptions[key.name]?.help
        return admit(key) { families throws(MetricFamilies.Refusal) in
            try families.series(key, type: type, help: help) { make(key) }
        }
    }

    private func key(_ name: String, _ labels: [(String, String)], _ type: MetricType) -> SeriesKey {
        SeriesKey(
            name: PrometheusText.metricName(name, maxBytes: limits.maxNameBytes),
            labels: PrometheusText.labels(labels, reserved: type == .histogram ? "le" : nil, limits: limits))
    }

    /// Runs a change of the series. Counts and reports its refusal.
    @discardableResult
    private func admit<Admitted>(
        _ key: SeriesKey, _ change: (inout MetricFamilies) throws(MetricFamilies.Refusal) -> Admitted
    ) -> Admitted? {
        var warning: String?
        let admitted = state.withLock { state -> Admitted? in
            do throws(MetricFamilies.Refusal) {
                return try change(&state.families)
            } catch {
                if state.warned.count < limits.maxWarnings, state.warned.insert(key.name).inserted {
                    warning = Self.warning(key.name, error)
                }
                return nil
            }
        }
        if admitted == nil { dropped.increment(by: 1 as Int64) }
        // After the lock: a log handler may use metrics.
        if let warning { warn(warning) }
        return admitted
    }

    private static func warning(_ name: String, _ refusal: MetricFamilies.Refusal) -> String {
        switch refusal {
        case .full: "Metric '\(name)': some series are not recorded, the maximum number of series is reached."
        case .nameTaken(by: let owner, let type):
            "Metric '\(name)' is not recorded: the name is in use by the \(type.rawValue) '\(owner)'."
        }
    }

    private func remove(_ handler: any AnyObject & Sendable, _ key: SeriesKey) {
        state.withLock { $0.families.remove(handler, key) }
    }
}

extension PrometheusRegistry {
    /// Returns a counter; it records nothing if its series is rejected.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// Returns a counter; it records nothing if its series is rejected.
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        counter(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// Returns a gauge; it records nothing if its series is rejected.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// Returns a histogram, or a gauge if values are not aggregated; it records nothing if its series is rejected.
    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        let handler: (any RecorderHandler)? =
            aggregate
            ? histogram(label, dimensions, bounds: HistogramBounds.values) : gauge(label, dimensions)
        return handler ?? NOOPMetricsHandler.instance
    }

    /// Returns a histogram in seconds; it records nothing if its series is rejected.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions, bounds: HistogramBounds.seconds) ?? NOOPMetricsHandler.instance
    }

    /// Removes the series from the page. Values that other holders record to it afterwards are lost.
    public func destroyCounter(_ handler: any CounterHandler) {
        if let series = handler as? CounterSeries { remove(series, series.key) }
    }

    /// Removes the series from the page. Values that other holders record to it afterwards are lost.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        if let series = handler as? CounterSeries { remove(series, series.key) }
    }

    /// Removes the series from the page. Values that other holders record to it afterwards are lost.
    public func destroyMeter(_ handler: any MeterHandler) {
        if let series = handler as? GaugeSeries { remove(series, series.key) }
    }

    /// Removes the series from the page. Values that other holders record to it afterwards are lost.
    public func destroyRecorder(_ handler: any RecorderHandler) {
        if let series = handler as? GaugeSeries { remove(series, series.key) }
        if let series = handler as? HistogramSeries { remove(series, series.key) }
    }

    /// Removes the series from the page. Values that other holders record to it afterwards are lost.
    public func destroyTimer(_ handler: any TimerHandler) {
        if let series = handler as? HistogramSeries { remove(series, series.key) }
    }

    private func counter(_ name: String, _ labels: [(String, String)]) -> CounterSeries? {
        guard case .counter(let series) = series(name, labels, .counter, make: { .counter(CounterSeries($0)) })
        else { return nil }
        return series
    }

    private func gauge(_ name: String, _ labels: [(String, String)]) -> GaugeSeries? {
        guard case .gauge(let series) = series(name, labels, .gauge, make: { .gauge(GaugeSeries($0)) })
        else { return nil }
        return series
    }

    private func histogram(_ name: String, _ labels: [(String, String)], bounds: [Double]) -> HistogramSeries? {
        let make = { [descriptions] (key: SeriesKey) -> MetricSeries in
            let bounds = descriptions[key.name]?.bounds ?? bounds
            return .histogram(HistogramSeries(key, bounds: HistogramBounds.normalized(bounds)))
        }
        guard case .histogram(let series) = series(name, labels, .histogram, make: make) else { return nil }
        return series
    }
}
