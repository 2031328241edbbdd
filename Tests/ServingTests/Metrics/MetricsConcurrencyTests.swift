import CoreMetrics
import Serving
import Testing

struct MetricsConcurrencyTests {
    @Test func `eight tasks lose no count while the page is written`() async throws {
        let registry = PrometheusRegistry()
        let (tasks, rounds) = (8, 100_000)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    let counter = Counter(label: "c", factory: registry)
                    let floating = FloatingPointCounter(label: "f", factory: registry)
                    let timer = Timer(label: "t", factory: registry)
                    let meter = Meter(label: "m", factory: registry)
                    for round in 0..<rounds {
                        counter.increment()
                        floating.increment(by: 0.5)
                        timer.recordMilliseconds(500 * (task % 4))
                        meter.increment(by: round % 2 == 0 ? 2.0 : -1.0)
                    }
                }
            }
            group.addTask {
                for _ in 0..<200 {
                    #expect(throws: Never.self) { try PrometheusParser.parse(registry.text()) }
                    await Task.yield()
                }
            }
        }
        let page = try PrometheusParser.parse(registry.text())
        let total = Double(tasks * rounds)
        #expect(page.value("c") == total)
        #expect(page.value("f") == total / 2)
        #expect(page.value("m") == total / 2)
        // A quarter took 0, 0.5, 1 and 1.5 seconds each.
        #expect(lines(registry).isSuperset(of: ["t_sum 600000", "t_count 800000", #"t_bucket{le="0.25"} 200000"#]))
        #expect(lines(registry).isSuperset(of: [#"t_bucket{le="0.5"} 400000"#, #"t_bucket{le="1.0"} 600000"#]))
    }

    @Test func `tasks that create the same series share it, and destroying one while others create breaks nothing`()
        async throws
    {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for n in 0..<2_000 {
                        Counter(label: "kept", dimensions: [("n", "\(n % 50)")], factory: registry).increment()
                        let passing = Timer(label: "passing", dimensions: [("n", "\(n % 5)")], factory: registry)
                        passing.recordSeconds(1)
                        passing.destroy()
                    }
                }
            }
        }
        let page = try PrometheusParser.parse(registry.text())
        #expect(page.samples["kept"]?.map(\.value) == [Double](repeating: 8 * 2_000 / 50, count: 50))
        #expect(page.samples["passing"] == nil)
        #expect(page.value("silhouette_metrics_dropped_series_total") == 0)
    }

    @Test func `a reading that waits keeps neither recording nor creating from going on`() async {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "c", factory: registry)
        registry.gauge("g") {
            // On the same thread: a lock held here would never be released.
            counter.increment()
            Timer(label: "t", factory: registry).recordSeconds(1)
            return 1
        }
        #expect(lines(registry).contains("g 1"))
        #expect(lines(registry).isSuperset(of: ["g 1", "t_count 2"]))
    }
}
