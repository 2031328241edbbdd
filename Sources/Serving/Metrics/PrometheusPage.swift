/// Lines in Prometheus' text format, version 0.0.4.
///
/// Families are sorted by name and samples by labels, so that two pages can be compared.
struct PrometheusPage {
    /// The media type of the page.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The lines written so far, each with its line feed.
    private(set) var text = ""

    /// Writes the families with the values that they have now; a family whose readings have no value is left out.
    init(_ families: [String: MetricFamilies.Family]) {
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            var samples = ""
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                switch series {
                case .counter(let counter): Self.write(name, labels, counter.text, to: &samples)
                case .gauge(let gauge): Self.write(name, labels, PrometheusText.number(gauge.value), to: &samples)
                case .reading(let read):
                    if let value = read() { Self.write(name, labels, PrometheusText.number(value), to: &samples) }
                case .histogram(let histogram): Self.write(histogram, to: &samples)
                }
            }
            if samples.isEmpty { continue }
            if let help = family.help { text += "# HELP \(name) \(PrometheusText.escapedHelp(help))\n" }
            text += "# TYPE \(name) \(family.type.rawValue)\n"
            text += samples
        }
    }

    private static func write(_ name: String, _ labels: String, _ value: String, to text: inout String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            text += labels
            text += "}"
        }
        text += " "
        text += value
        text += "\n"
    }

    private static func write(_ histogram: HistogramSeries, to text: inout String) {
        let (name, labels) = (histogram.key.name, histogram.key.labels)
        let snapshot = histogram.snapshot
        let prefix = labels.isEmpty ? "\(name)_bucket{le=\"" : "\(name)_bucket{\(labels),le=\""
        for (bound, count) in zip(histogram.boundTexts + ["+Inf"], snapshot.cumulative + [snapshot.count]) {
            text += prefix
            text += bound
            text += "\"} "
            text += "\(count)"
            text += "\n"
        }
        write("\(name)_sum", labels, PrometheusText.number(snapshot.sum), to: &text)
        write("\(name)_count", labels, "\(snapshot.count)", to: &text)
    }
}
