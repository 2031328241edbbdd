import CoreMetrics
import Serving
import Testing

struct MetricsLimitsTests {
    @Test func `one name has at most 5,000 series and all have at most 20,000`() throws {
        let warnings = Warnings()
        let registry = PrometheusRegistry(warn: { warnings.add($0) })
        for name in 0..<6 {
            for series in 0..<5_100 {
                Counter(label: "c\(name)_total", dimensions: [("n", "\(series)")], factory: registry).increment()
            }
        }
        let page = try PrometheusParser.parse(registry.text())
        #expect(page.samples.values.map(\.count).reduce(0, +) == 20_000)
        #expect(page.samples["c0_total"]?.count == 5_000)
        // The counter of those dropped is a series too.
        #expect(page.samples["c3_total"]?.count == 4_999)
        #expect(page.value("silhouette_metrics_dropped_series_total") == Double(6 * 5_100 - 19_999))
        #expect(warnings.all.count == 6)
        // Those that exist still count.
        Counter(label: "c0_total", dimensions: [("n", "5")], factory: registry).increment()
        #expect(lines(registry).contains(#"c0_total{n="5"} 2"#))
    }

    @Test func `a destroyed series makes room for another`() throws {
        var limits = MetricsLimits()
        limits.maxSeriesPerName = 2
        limits.maxTextBytes = 100
        let registry = PrometheusRegistry(limits: limits)
        let first = Counter(label: "c", dimensions: [("n", "1")], factory: registry)
        for n in ["2", "3"] { Counter(label: "c", dimensions: [("n", n)], factory: registry).increment() }
        first.destroy()
        for _ in 0..<100 { Counter(label: "c", dimensions: [("n", "5")], factory: registry).destroy() }
        Counter(label: "c", dimensions: [("n", "4")], factory: registry).increment()
        #expect(lines(registry).isSuperset(of: [#"c{n="2"} 1"#, #"c{n="4"} 1"#]))
        #expect(!lines(registry).contains { $0.hasPrefix(#"c{n="3""#) })
    }

    @Test func `the text of all series is bounded, readings count as well`() throws {
        var limits = MetricsLimits()
        limits.maxTextBytes = 10_000
        let registry = PrometheusRegistry(limits: limits)
        for n in 0..<100 {
            registry.gauge("g", labels: [("a", String(repeating: "x", count: 200) + "\(n)")]) { 1 }
        }
        let page = try PrometheusParser.parse(registry.text())
        #expect(try #require(page.samples["g"]).count == 48)
        #expect(page.value("silhouette_metrics_dropped_series_total") == 52)
    }

    @Test func `long values and names are truncated, at a whole character of UTF-8`() throws {
        let registry = PrometheusRegistry()
        let name = String(repeating: "n", count: 1_000)
        Counter(
            label: name,
            dimensions: [(name, "x" + String(repeating: "é", count: 1_000))] + (0..<50).map { ("l\($0)", "v") },
            factory: registry
        ).increment()
        let page = try PrometheusParser.parse(registry.text())
        let sample = try #require(page.samples[String(repeating: "n", count: 200)]?.first)
        #expect(sample.labels.count == 16)
        let long = try #require(sample.labels.last)
        #expect(long.name == String(repeating: "n", count: 200))
        #expect(long.value == "x" + String(repeating: "é", count: 127))
    }

    @Test func `warnings are bounded`() {
        let warnings = Warnings()
        let registry = PrometheusRegistry(warn: { warnings.add($0) })
        for n in 0..<500 {
            Gauge(label: "g\(n)", factory: registry).record(1)
            for _ in 0..<2 { Counter(label: "g\(n)", factory: registry).increment() }
        }
        #expect(warnings.all.count == 100)
        #expect(Set(warnings.all).count == 100)
    }
}
