import CoreMetrics
import Metrics

/// The instruments of one model.
final class ModelInstruments: Sendable {
    private let model: String
    private let factory: any MetricsFactory
    private let stages = InstrumentCache<String, Timer>(capacity: 100)
    private let reloads = InstrumentCache<String, Counter>(capacity: 10)
    private let detections: Counter
    private let nonFinite: Counter

    init(model: String, factory: any MetricsFactory) {
        self.model = model
        self.factory = factory
        let labels = [("model", model)]
        detections = Counter(label: ServiceMetrics.Name.detections, dimensions: labels, factory: factory)
        nonFinite = Counter(label: ServiceMetrics.Name.nonFinite, dimensions: labels, factory: factory)
    }

    /// Counts a prediction.
    func prediction(stages: [(name: String, duration: Duration)], detections: Int, nonFinite: Int) {
        for (stage, duration) in stages {
            self.stages.instrument(stage) {
                Timer(
                    label: ServiceMetrics.Name.stageSeconds, dimensions: [("model", model), ("stage", stage)],
                    factory: factory)
            }.record(duration: duration)
        }
        self.detections.increment(by: detections)
        self.nonFinite.increment(by: nonFinite)
    }

    /// Counts an attempt to load a changed model.
    func reload(_ result: String) {
        reloads.instrument(result) {
            Counter(
                label: ServiceMetrics.Name.reloads, dimensions: [("model", model), ("result", result)],
                factory: factory)
        }.increment()
    }

    /// Removes the series of the model.
    func destroy() {
        for timer in stages.removeAll() { timer.destroy() }
        for counter in [detections, nonFinite] + reloads.removeAll() { counter.destroy() }
    }
}
