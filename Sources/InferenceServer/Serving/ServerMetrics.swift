import Foundation
import InstanceSegmentation
import Synchronization

/// What a server has done, in the text format of Prometheus.
///
/// Labels have few values: names of routes and stages, status codes, words of `ErrorResponse`, and the models of the folder.
final class ServerMetrics: Sendable {
    private struct Answer: Hashable {
        let route: String
        let status: Int
    }

    private struct Stage: Hashable {
        let model: String
        let stage: String
    }

    private struct Counts {
        var answers: [Answer: Int] = [:]
        var errors: [String: Int] = [:]
        var durations: [String: Histogram] = [:]
        var stages: [Stage: Histogram] = [:]
        var detections: [String: Int] = [:]
        var nonFinite: [String: Int] = [:]
    }

    private let counts = Mutex(Counts())
    private let started = Date()

    /// Counts a request that was answered.
    func record(route: String, status: Int, error: String?, duration: Duration) {
        counts.withLock { counts in
            counts.answers[Answer(route: route, status: status), default: 0] += 1
            counts.durations[route, default: Histogram()].add(duration)
            if let error { counts.errors[error, default: 0] += 1 }
        }
    }

    /// Counts a prediction.
    func record(_ timing: StageTiming, detections: Int, nonFinite: Int, model: ModelID) {
        counts.withLock { counts in
            for (stage, duration) in timing.stages {
                counts.stages[Stage(model: model.description, stage: stage), default: Histogram()].add(duration)
            }
            counts.detections[model.description, default: 0] += detections
            counts.nonFinite[model.description, default: 0] += nonFinite
        }
    }

    /// The text, with what is known of the server at the moment.
    func text(inFlight: Int, isReady: Bool) -> String {
        let counts = counts.withLock { $0 }
        var page = MetricsPage()
        page.family("silhouette_requests_total", "counter", "Requests answered, by route and status.")
        for (answer, count) in counts.answers {
            page.sample("silhouette_requests_total", [("route", answer.route), ("status", "\(answer.status)")], count)
        }
        page.family("silhouette_errors_total", "counter", "Requests answered with an error, by its kind.")
        for (kind, count) in counts.errors { page.sample("silhouette_errors_total", [("kind", kind)], count) }
        page.family("silhouette_request_seconds", "histogram", "Time from a request's head to its answer.")
        for (route, histogram) in counts.durations {
            page.histogram("silhouette_request_seconds", [("route", route)], histogram)
        }
        page.family("silhouette_stage_seconds", "histogram", "Time of a prediction's stages.")
        for (stage, histogram) in counts.stages {
            page.histogram("silhouette_stage_seconds", [("model", stage.model), ("stage", stage.stage)], histogram)
        }
        page.family("silhouette_detections_total", "counter", "Objects found.")
        for (model, count) in counts.detections {
            page.sample("silhouette_detections_total", [("model", model)], count)
        }
        page.family(
            "silhouette_nonfinite_objects_total", "counter",
            "Objects dropped because a number of theirs is infinite or NaN.")
        for (model, count) in counts.nonFinite {
            page.sample("silhouette_nonfinite_objects_total", [("model", model)], count)
        }
        page.family("silhouette_predictions_in_flight", "gauge", "Predictions at work or waiting.")
        page.sample("silhouette_predictions_in_flight", [], inFlight)
        page.family("silhouette_ready", "gauge", "Whether predictions are answered.")
        page.sample("silhouette_ready", [], isReady ? 1 : 0)
        page.family("process_start_time_seconds", "gauge", "When the server started.")
        page.sample("process_start_time_seconds", [], Int(started.timeIntervalSince1970))
        if let resident = Self.residentBytes() {
            page.family("process_resident_memory_bytes", "gauge", "Resident memory.")
            page.sample("process_resident_memory_bytes", [], resident)
        }
        return page.text
    }

    /// Linux tells it in pages; elsewhere it is left out.
    private static func residentBytes() -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) } : nil
    }
}

/// How many durations were how long at most.
private struct Histogram {
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private(set) var counts = [Int](repeating: 0, count: bounds.count)
    private(set) var count = 0
    private(set) var sum = 0.0

    mutating func add(_ duration: Duration) {
        let seconds = duration.seconds
        count += 1
        sum += seconds
        for i in Self.bounds.indices where seconds <= Self.bounds[i] { counts[i] += 1 }
    }
}

/// Lines in Prometheus' text format, version 0.0.4.
private struct MetricsPage {
    private var lines: [String] = []
    private var samples: [String] = []

    /// The samples of a family stand in a fixed order, so that two pages can be compared.
    var text: String { (lines + samples.sorted()).joined(separator: "\n") + "\n" }

    mutating func family(_ name: String, _ type: String, _ help: String) {
        lines += samples.sorted()
        samples = []
        lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
    }

    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: some CustomStringConvertible) {
        samples.append("\(name)\(Self.braces(labels)) \(value)")
    }

    /// Buckets must stand in the order of their bounds, so that a histogram is one entry.
    mutating func histogram(_ name: String, _ labels: [(String, String)], _ histogram: Histogram) {
        var rows = zip(Histogram.bounds, histogram.counts).map { bound, count in
            "\(name)_bucket\(Self.braces(labels + [("le", "\(bound)")])) \(count)"
        }
        rows.append("\(name)_bucket\(Self.braces(labels + [("le", "+Inf")])) \(histogram.count)")
        rows.append("\(name)_sum\(Self.braces(labels)) \(histogram.sum)")
        rows.append("\(name)_count\(Self.braces(labels)) \(histogram.count)")
        samples.append(rows.joined(separator: "\n"))
    }

    private static func braces(_ labels: [(String, String)]) -> String {
        if labels.isEmpty { return "" }
        let pairs = labels.map { name, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\(name)=\"\(escaped)\""
        }
        return "{\(pairs.joined(separator: ","))}"
    }
}
