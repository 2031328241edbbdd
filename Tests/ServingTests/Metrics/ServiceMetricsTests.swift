import CoreMetrics
import Serving
import Testing

struct ServiceMetricsTests {
    private let registry = PrometheusRegistry(descriptions: ServiceMetrics.descriptions)

    @Test func `what is recorded shows under the documented names, labels and types`() throws {
        let metrics = ServiceMetrics(factory: registry)
        metrics.request(route: "predict", status: 200, error: nil, duration: .milliseconds(20))
        metrics.request(route: "predict", status: 200, error: nil, duration: .milliseconds(500))
        metrics.request(route: "predict", status: 400, error: "malformed_base64", duration: .microseconds(1))
        metrics.prediction(
            stages: [("decode", .milliseconds(1)), ("inference", .seconds(60))], detections: 2, nonFinite: 1,
            model: "m/1")
        metrics.prediction(stages: [("inference", .zero)], detections: 0, nonFinite: 0, model: "m/1")
        metrics.cancelled()
        for _ in 0..<3 { metrics.refused("queue_full") }
        metrics.modelReloaded(model: "m/1")
        metrics.modelReloadFailed(model: "m/1")
        let lines = lines(registry)
        let expected: Set = [
            #"silhouette_requests_total{route="predict",status="200"} 2"#,
            #"silhouette_requests_total{route="predict",status="400"} 1"#,
            #"silhouette_errors_total{kind="malformed_base64"} 1"#,
            #"silhouette_request_seconds_bucket{route="predict",le="0.001"} 1"#,
            #"silhouette_request_seconds_bucket{route="predict",le="0.025"} 2"#,
            #"silhouette_request_seconds_bucket{route="predict",le="10.0"} 3"#,
            #"silhouette_request_seconds_sum{route="predict"} 0.520001"#,
            #"silhouette_request_seconds_count{route="predict"} 3"#,
            #"silhouette_stage_seconds_bucket{model="m/1",stage="inference",le="10.0"} 1"#,
            #"silhouette_stage_seconds_bucket{model="m/1",stage="inference",le="+Inf"} 2"#,
            #"silhouette_stage_seconds_count{model="m/1",stage="decode"} 1"#,
            #"silhouette_detections_total{model="m/1"} 2"#, #"silhouette_nonfinite_objects_total{model="m/1"} 1"#,
            "silhouette_cancelled_total 1", #"silhouette_refused_total{reason="queue_full"} 3"#,
            #"silhouette_model_reloads_total{model="m/1",result="failure"} 1"#,
            #"silhouette_model_reloads_total{model="m/1",result="success"} 1"#,
        ]
        #expect(expected.subtracting(lines) == [])
        let page = try PrometheusParser.parse(registry.text())
        for (name, type) in page.types {
            #expect(type == (name.hasSuffix("_seconds") ? "histogram" : "counter"), "\(name)")
            #expect(page.helps[name] != nil, "\(name)")
        }
        #expect(page.types.count == 10)
        // As on the pages of earlier versions.
        #expect(
            page.samples["silhouette_request_seconds"]?.compactMap { $0.labels.last }.filter { $0.name == "le" }.map(
                \.value)
                == [
                    "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0",
                    "10.0", "+Inf",
                ])
    }

    @Test func `instruments are asked for once`() {
        let factory = CountingFactory()
        let metrics = ServiceMetrics(factory: factory)
        for _ in 0..<100 {
            metrics.request(route: "predict", status: 500, error: "internal", duration: .seconds(1))
            metrics.prediction(
                stages: [("decode", .zero), ("queue", .zero)], detections: 1, nonFinite: 0, model: "m/1")
            metrics.cancelled()
            metrics.refused("memory")
            metrics.modelReloaded(model: "m/1")
        }
        #expect(factory.counters == 7)
        #expect(factory.timers == 3)
    }

    @Test func `models without end end at the limit`() throws {
        let metrics = ServiceMetrics(factory: registry)
        for model in 0..<6_000 {
            metrics.prediction(stages: [("decode", .zero)], detections: 1, nonFinite: 0, model: "m/\(model)")
        }
        let page = try PrometheusParser.parse(registry.text())
        #expect(page.samples["silhouette_detections_total"]?.count == 5_000)
        #expect(page.value("silhouette_metrics_dropped_series_total") == 3_000)
    }

    @Test func `a removed model leaves the page, others stay`() throws {
        let metrics = ServiceMetrics(factory: registry)
        for model in ["a/1", "b/1"] {
            metrics.prediction(stages: [("decode", .zero)], detections: 1, nonFinite: 0, model: model)
            metrics.modelReloaded(model: model)
        }
        metrics.modelRemoved(model: "a/1")
        #expect(!registry.text().contains("a/1"))
        #expect(lines(registry).contains(#"silhouette_detections_total{model="b/1"} 1"#))
        metrics.prediction(stages: [], detections: 5, nonFinite: 0, model: "a/1")
        #expect(lines(registry).contains(#"silhouette_detections_total{model="a/1"} 5"#))
    }

    @Test func `what a library records appears on the same page`() {
        withMetricsFactory(registry) {
            Counter(label: "library.requests", dimensions: [("http.route", "/a/{b}")]).increment()
            Timer(label: "library.request.duration").recordMilliseconds(1)
        }
        Counter(label: "library.other", factory: registry).increment()
        let expected: Set = [
            #"library_requests{http_route="/a/{b}"} 1"#, "library_request_duration_count 1", "library_other 1",
        ]
        #expect(expected.subtracting(lines(registry)) == [])
    }
}
