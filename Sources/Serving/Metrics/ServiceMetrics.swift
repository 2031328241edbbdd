public import CoreMetrics
import Metrics

/// The metrics of the service and its transports.
///
/// Labels have few distinct values: routes and stages, status codes, kinds of errors, and the served models. Text from
/// a request must not become a label.
public final class ServiceMetrics: Sendable {
    private struct RouteStatus: Hashable {
        let route: String
        let status: Int
    }

    private struct RequestInstruments {
        let count: Counter
        let duration: Timer
    }

    private let factory: any MetricsFactory
    private let requests = InstrumentCache<RouteStatus, RequestInstruments>()
    private let errors = InstrumentCache<String, Counter>()
    private let refusals = InstrumentCache<String, Counter>()
    private let models = InstrumentCache<String, ModelInstruments>()
    private let cancellations: Counter

    /// Creates metrics that are recorded by the instruments of `factory`.
    public init(factory: any MetricsFactory) {
        self.factory = factory
        cancellations = Counter(label: Name.cancelled, factory: factory)
    }

    /// Counts a request that received a response.
    ///
    /// - Parameters:
    ///   - route: The route's name, not its path.
    ///   - status: The HTTP status code.
    ///   - error: The kind of the error in the response, if any.
    ///   - duration: Time from the request's head to its response.
    public func request(route: String, status: Int, error: String?, duration: Duration) {
        let instruments = requests.instrument(RouteStatus(route: route, status: status)) {
            RequestInstruments(
                count: counter(Name.requests, [("route", route), ("status", "\(status)")]),
                duration: Timer(label: Name.requestSeconds, dimensions: [("route", route)], factory: factory))
        }
        instruments.count.increment()
        instruments.duration.record(duration: duration)
        if let error { errors.instrument(error) { counter(Name.errors, [("kind", error)]) }.increment() }
    }

    /// Counts a prediction.
    ///
    /// - Parameters:
    ///   - stages: The stages of the prediction, with their durations.
    ///   - detections: Number of objects found.
    ///   - nonFinite: Number of objects dropped because one of their numbers is infinite or NaN.
    ///   - model: The model's identifier, such as `dataset/1`.
    public func prediction(
        stages: [(name: String, duration: Duration)], detections: Int, nonFinite: Int, model: String
    ) {
        instruments(of: model).prediction(stages: stages, detections: detections, nonFinite: nonFinite)
    }

    /// Counts a request whose client disconnected, or that was canceled otherwise, before its response.
    public func cancelled() { cancellations.increment() }

    /// Counts a request that was refused because the server is busy.
    ///
    /// - Parameter reason: The limit that was reached, as a stable word such as `queue_full`.
    public func refused(_ reason: String) {
        refusals.instrument(reason) { counter(Name.refused, [("reason", reason)]) }.increment()
    }

    /// Counts the replacement of a model by its changed version.
    public func modelReloaded(model: String) { instruments(of: model).reload("success") }

    /// Counts a changed model that could not be loaded; the previous version is still served.
    public func modelReloadFailed(model: String) { instruments(of: model).reload("failure") }

    /// Removes the series of a model that is no longer served.
    ///
    /// A prediction that is recorded at the same time may create them again.
    public func modelRemoved(model: String) { models.remove(model)?.destroy() }

    private func instruments(of model: String) -> ModelInstruments {
        models.instrument(model) { ModelInstruments(model: model, factory: factory) }
    }

    private func counter(_ name: String, _ labels: [(String, String)]) -> Counter {
        Counter(label: name, dimensions: labels, factory: factory)
    }
}

extension ServiceMetrics {
    /// Names of the metrics.
    enum Name {
        static let requests = "silhouette_requests_total"
        static let errors = "silhouette_errors_total"
        static let requestSeconds = "silhouette_request_seconds"
        static let stageSeconds = "silhouette_stage_seconds"
        static let detections = "silhouette_detections_total"
        static let nonFinite = "silhouette_nonfinite_objects_total"
        static let cancelled = "silhouette_cancelled_total"
        static let refused = "silhouette_refused_total"
        static let reloads = "silhouette_model_reloads_total"
    }

    /// The help texts of these metrics, for a ``PrometheusRegistry``.
    public static let descriptions = [
        MetricDescription(Name.requests, help: "Requests answered, by route and status."),
        MetricDescription(Name.errors, help: "Requests answered with an error, by its kind."),
        MetricDescription(
            Name.requestSeconds, help: "Time from a request's head to its answer.", bounds: HistogramBounds.seconds),
        MetricDescription(
            Name.stageSeconds, help: "Time of a prediction's stages.", bounds: HistogramBounds.seconds),
        MetricDescription(Name.detections, help: "Objects found."),
        MetricDescription(
            Name.nonFinite, help: "Objects dropped because a number of theirs is infinite or NaN."),
        MetricDescription(Name.cancelled, help: "Requests canceled before they were answered."),
        MetricDescription(Name.refused, help: "Requests refused because the server is busy, by reason."),
        MetricDescription(Name.reloads, help: "Changed models that were loaded, or could not be, by result."),
    ]
}
