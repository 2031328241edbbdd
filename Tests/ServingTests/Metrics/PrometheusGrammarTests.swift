import CoreMetrics
import Serving
import TestSupport
import Testing

struct PrometheusGrammarTests {
    /// Fragments that break naive writers.
    private static let fragments = [
        "a", "B", "_", "__", ":", ".", "-", "9", "0", "\"", "\\", "\n", "\r\n", "\r", "{", "}", ",", "=", " ", "#", "é",
        "e\u{301}", "😀", "\u{0}", "\u{2028}", "le", "_sum", "_count", "_bucket", "total", "\u{FEFF}", "\\n", "日本",
    ]

    private static func text(_ random: inout SeededRandom, _ count: ClosedRange<Int>) -> String {
        (0..<Int.random(in: count, using: &random)).map { _ in fragments.randomElement(using: &random) ?? "" }.joined()
    }

    private static func number(_ random: inout SeededRandom) -> Double {
        [
            0, -0.0, 1, -1, 0.1, 1e-300, 1e300, 1e15, 123_456_789.5, .nan, .infinity, -.infinity, 9e18,
            .leastNonzeroMagnitude,
        ]
        .randomElement(using: &random) ?? 0
    }

    @Test(arguments: 0..<60) func `any names, labels and values make a page that Prometheus reads`(seed: UInt64) throws
    {
        var random = SeededRandom(seed: seed)
        let registry = PrometheusRegistry()
        var destroyed = 0
        for _ in 0..<300 {
            let label = Self.text(&random, 0...3)
            let dimensions = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                (Self.text(&random, 0...2), Self.text(&random, 0...3))
            }
            let value = Self.number(&random)
            switch Int.random(in: 0..<9, using: &random) {
            case 0: Counter(label: label, dimensions: dimensions, factory: registry).increment(by: 3)
            case 1: FloatingPointCounter(label: label, dimensions: dimensions, factory: registry).increment(by: value)
            case 2: Gauge(label: label, dimensions: dimensions, factory: registry).record(value)
            case 3: Recorder(label: label, dimensions: dimensions, factory: registry).record(value)
            case 4: Meter(label: label, dimensions: dimensions, factory: registry).increment(by: value)
            case 5: Timer(label: label, dimensions: dimensions, factory: registry).recordSeconds(2)
            case 6: registry.gauge(label, help: Self.text(&random, 1...4), labels: dimensions) { value }
            case 7: registry.counter(label, labels: dimensions) { value.isNaN ? nil : abs(value) }
            default:
                Timer(label: label, dimensions: dimensions, factory: registry).destroy()
                destroyed += 1
            }
        }
        let text = registry.text()
        let page = try PrometheusParser.parse(text)
        #expect(page.samples.count > 20 && destroyed > 0, "seed \(seed)")
        #expect(registry.text() == text, "seed \(seed)")
    }

    @Test(arguments: 0..<20) func `the value of a label comes back as it was given`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let registry = PrometheusRegistry()
        var expected: Set<[UInt8]> = []
        for _ in 0..<50 {
            let value = Self.text(&random, 1...20)
            expected.insert(Array(value.utf8))
            Counter(label: "c", dimensions: [("l", value)], factory: registry).increment()
        }
        let samples = try #require(try PrometheusParser.parse(registry.text()).samples["c"])
        #expect(Set(samples.map { Array($0.labels[0].value.utf8) }) == expected, "seed \(seed)")
    }
}
