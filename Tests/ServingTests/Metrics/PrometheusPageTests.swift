import CoreMetrics
import Serving
import Testing

struct PrometheusPageTests {
    @Test func `the page of a known sequence is this text`() {
        let registry = PrometheusRegistry(descriptions: [
            MetricDescription("jobs_total", help: "Jobs done,\nwith a \\."),
            MetricDescription("job_seconds", help: "Time of a job.", bounds: [1, 0.25, .infinity, 1]),
        ])
        Counter(label: "jobs_total", dimensions: [("kind", "b"), ("a", "x\"y\\z\r\nend")], factory: registry).increment(
            by: 3)
        Counter(label: "jobs_total", dimensions: [("a", "1"), ("kind", "a")], factory: registry).increment()
        // The same series as the one before.
        Counter(label: "jobs_total", dimensions: [("kind", "a"), ("a", "1"), ("none", "")], factory: registry)
            .increment()
        let timer = Timer(label: "job_seconds", dimensions: [("kind", "a")], factory: registry)
        timer.recordMilliseconds(250)
        timer.recordMilliseconds(500)
        timer.recordSeconds(2)
        timer.recordNanoseconds(-5)
        FloatingPointCounter(label: "energy.joules", factory: registry).increment(by: 1.5)
        Gauge(label: "temperature", factory: registry).record(-3.25)
        let meter = Meter(label: "9-lives", factory: registry)
        meter.set(9)
        meter.decrement()
        registry.gauge("waiting", help: "Requests waiting.", labels: [("le", "x")]) { 4 }
        registry.gauge("unknown") { nil }
        #expect(
            registry.text() == #"""
                # TYPE _9_lives gauge
                _9_lives 8
                # TYPE energy_joules counter
                energy_joules 1.5
                # HELP job_seconds Time of a job.
                # TYPE job_seconds histogram
                job_seconds_bucket{kind="a",le="0.25"} 2
                job_seconds_bucket{kind="a",le="1.0"} 3
                job_seconds_bucket{kind="a",le="+Inf"} 4
                job_seconds_sum{kind="a"} 2.75
                job_seconds_count{kind="a"} 4
                # HELP jobs_total Jobs done,\nwith a \\.
                # TYPE jobs_total counter
                jobs_total{a="1",kind="a"} 2
                jobs_total{a="x\"y\\z\#r\nend",kind="b"} 3
                # HELP silhouette_metrics_dropped_series_total \#
                Metric series requested and not created, because of a limit or a name in use.
                # TYPE silhouette_metrics_dropped_series_total counter
                silhouette_metrics_dropped_series_total 0
                # TYPE temperature gauge
                temperature -3.25
                # HELP waiting Requests waiting.
                # TYPE waiting gauge
                waiting{le="x"} 4

                """#)
    }

    @Test func `values that are not numbers show in gauges and do not spoil sums`() {
        let registry = PrometheusRegistry()
        for (label, value) in [("nan", Double.nan), ("up", .infinity), ("down", -.infinity)] {
            Gauge(label: label, factory: registry).record(value)
        }
        let recorder = Recorder(label: "sizes", factory: registry)
        let meter = Meter(label: "level", factory: registry)
        let counter = FloatingPointCounter(label: "count", factory: registry)
        for value in [Double.nan, .infinity, -.infinity, 2.5] {
            recorder.record(value)
            meter.increment(by: value)
            counter.increment(by: value)
        }
        counter.increment(by: -1)
        Counter(label: "whole", factory: registry).increment(by: -1)
        let lines = lines(registry)
        #expect(lines.isSuperset(of: ["nan NaN", "up +Inf", "down -Inf", "level 2.5", "count 2.5", "whole 0"]))
        #expect(lines.isSuperset(of: ["sizes_sum 2.5", "sizes_count 1", #"sizes_bucket{le="2.0"} 0"#]))
        #expect(lines.isSuperset(of: [#"sizes_bucket{le="5.0"} 1"#, #"sizes_bucket{le="+Inf"} 1"#]))
    }

    @Test func `recorders are histograms if they aggregate and gauges if not`() {
        let registry = PrometheusRegistry()
        Recorder(label: "all", aggregate: true, factory: registry).record(3)
        Recorder(label: "last", aggregate: false, factory: registry).record(3)
        #expect(lines(registry).isSuperset(of: ["# TYPE all histogram", "all_count 1", "# TYPE last gauge", "last 3"]))
    }

    @Test func `a name keeps its first type, also against the lines of a histogram`() {
        let warnings = Warnings()
        let registry = PrometheusRegistry(warn: { warnings.add($0) })
        Timer(label: "work", factory: registry).recordSeconds(1)
        Counter(label: "busy_sum", factory: registry).increment()
        let expected = registry.text()
        for _ in 0..<3 {
            Counter(label: "work", factory: registry).increment()
            Gauge(label: "work", dimensions: [("a", "b")], factory: registry).record(1)
            Counter(label: "work_count", factory: registry).increment()
            Recorder(label: "busy", factory: registry).record(1)
            registry.gauge("work.bucket") { 1 }
        }
        #expect(registry.text() == expected.replacing("dropped_series_total 0", with: "dropped_series_total 15"))
        #expect(
            warnings.all == [
                "Metric 'work' is not recorded: the name is in use by the histogram 'work'.",
                "Metric 'work_count' is not recorded: the name is in use by the histogram 'work'.",
                "Metric 'busy' is not recorded: the name is in use by the counter 'busy_sum'.",
                "Metric 'work_bucket' is not recorded: the name is in use by the histogram 'work'.",
            ])
    }

    @Test func `labels of one name or of a reserved one stay apart`() {
        let registry = PrometheusRegistry()
        Counter(
            label: "c", dimensions: [("a.b", "1"), ("a-b", "2"), ("__name__", "3"), ("", "4"), ("é", "5")],
            factory: registry
        ).increment()
        Timer(label: "t", dimensions: [("le", "9")], factory: registry).recordSeconds(1)
        #expect(lines(registry).contains(#"c{_="4",_2="5",_name__="3",a_b="1",a_b_2="2"} 1"#))
        #expect(lines(registry).contains(#"t_bucket{le_2="9",le="1.0"} 1"#))
    }

    @Test func `a destroyed series leaves the page and a new one starts at zero`() {
        let registry = PrometheusRegistry()
        let empty = registry.text()
        let counter = Counter(label: "c", factory: registry)
        let floating = FloatingPointCounter(label: "f", factory: registry)
        let gauge = Gauge(label: "g", factory: registry)
        let recorder = Recorder(label: "r", factory: registry)
        let meter = Meter(label: "m", factory: registry)
        let timer = Timer(label: "t", factory: registry)
        counter.increment()
        #expect(lines(registry).count == 1 + 2 + 2 * 4 + (1 + 19 + 3) + (1 + 13 + 3))
        counter.destroy()
        floating.destroy()
        gauge.destroy()
        recorder.destroy()
        meter.destroy()
        timer.destroy()
        #expect(registry.text() == empty)
        // The name is free for another type, and what was destroyed does not remove it.
        Gauge(label: "c", factory: registry).record(7)
        counter.increment()
        counter.destroy()
        #expect(lines(registry).contains("c 7"))
        Timer(label: "t", factory: registry).recordSeconds(1)
        timer.destroy()
        #expect(lines(registry).contains("t_count 1"))
    }

    @Test func `the names of a destroyed histogram's lines are free`() {
        let registry = PrometheusRegistry()
        Timer(label: "t", factory: registry).destroy()
        Gauge(label: "t", factory: registry).record(1)
        Counter(label: "t_sum", factory: registry).increment()
        #expect(lines(registry).isSuperset(of: ["t 1", "t_sum 1"]))
    }

    @Test func `a counter can be reset`() {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "c", factory: registry)
        counter.increment(by: 5)
        counter.reset()
        counter.increment(by: 2)
        #expect(lines(registry).contains("c 2"))
    }

    @Test func `a reading replaces one of the same name, and a recorded gauge`() {
        let registry = PrometheusRegistry()
        let gauge = Gauge(label: "g", factory: registry)
        registry.gauge("g", labels: [("a", "1")]) { 1 }
        registry.gauge("g", labels: [("a", "1")]) { 2 }
        registry.gauge("g") { 3 }
        registry.counter("n_total") { 4 }
        gauge.record(9)
        gauge.destroy()
        #expect(lines(registry).isSuperset(of: [#"g{a="1"} 2"#, "g 3", "# TYPE n_total counter", "n_total 4"]))
        // A value that is read cannot be recorded as well.
        Gauge(label: "g", factory: registry).record(9)
        #expect(lines(registry).isSuperset(of: ["g 3", "silhouette_metrics_dropped_series_total 1"]))
    }

    @Test func `a reading may use the registry`() {
        let registry = PrometheusRegistry()
        registry.gauge("g") { [weak registry] in
            guard let registry else { return nil }
            Counter(label: "reads", factory: registry).increment()
            return 1
        }
        #expect(lines(registry).contains("g 1"))
        // Once for each page, this one included.
        #expect(lines(registry).contains("reads 2"))
    }

    @Test func `the process is described`() throws {
        let registry = PrometheusRegistry()
        registry.addProcessGauges()
        let page = try PrometheusParser.parse(registry.text())
        #expect(try #require(page.value("process_start_time_seconds")) > 1.7e9)
        #expect(try #require(page.value("process_cpu_seconds_total")) > 0)
        #expect(try #require(page.value("process_max_fds")) > 3)
        #if os(Linux)
            #expect(try #require(page.value("process_resident_memory_bytes")) > 1e6)
            #expect(
                try #require(page.value("process_virtual_memory_bytes"))
                    > #require(page.value("process_resident_memory_bytes")))
            #expect(try #require(page.value("process_open_fds")) >= 3)
        #endif
    }
}

/// The lines of a registry's page.
func lines(_ registry: PrometheusRegistry) -> Set<String> {
    // Not `split` by characters: to Swift a carriage return and a line feed are one.
    Set(registry.text().utf8.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) })
}
