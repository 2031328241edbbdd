/// The bounds of a ``PrometheusRegistry``, so that labels taken from requests can exhaust neither memory nor the page.
public struct MetricsLimits: Sendable {
    /// Maximum number of series (a name with one set of labels) in total.
    public var maxSeries = 20_000
    /// Maximum number of series of one name.
    public var maxSeriesPerName = 5_000
    /// Maximum length of the names and labels of all series together, in bytes.
    public var maxTextBytes = 4 << 20
    /// Maximum length of a label's value, in bytes of UTF-8 before escaping. Longer values are truncated.
    public var maxLabelValueBytes = 256
    /// Maximum length of the name of a metric or a label, in bytes. Longer names are truncated.
    public var maxNameBytes = 200
    /// Maximum number of labels of a series. Labels after these are dropped.
    public var maxLabels = 16
    /// Maximum number of names for which a rejection is reported.
    public var maxWarnings = 100

    /// Creates the default limits.
    public init() {}
}
