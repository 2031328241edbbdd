/// The help text and the bounds of a metric.
public struct MetricDescription: Sendable {
    /// Name of the metric, such as `silhouette_requests_total`.
    public let name: String
    /// One sentence, written as the metric's `HELP` line.
    public let help: String
    /// Upper bounds of a histogram's buckets; the default bounds of its kind if `nil`. Ignored for other metrics.
    public let bounds: [Double]?

    /// Creates a description.
    public init(_ name: String, help: String, bounds: [Double]? = nil) {
        self.name = name
        self.help = help
        self.bounds = bounds
    }
}

/// Default upper bounds of the buckets of histograms.
public enum HistogramBounds {
    /// Bounds for timers, in seconds.
    public static let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    /// Bounds for recorded values of unknown unit: 1, 2 and 5 times the powers of ten up to a million.
    public static let values: [Double] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
        1_000_000,
    ]
    /// Maximum number of bounds of a histogram.
    static let maxCount = 64

    /// The finite bounds in ascending order, each once.
    static func normalized(_ bounds: [Double]) -> [Double] {
        Array(Set(bounds.filter(\.isFinite).map { $0 == 0 ? 0 : $0 }).sorted().prefix(maxCount))
    }
}
