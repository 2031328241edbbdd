import AnnotationFormats
import Foundation
import HTTPServer
import InstanceSegmentation
import Logging
import ONNXRuntimeBackend

/// How many bare runs of a network a second there are, in each of the ways in which callers can share the cores: what a server is
/// measured against.
struct RawThroughput {
    /// One way, and what it reaches.
    struct Arrangement {
        let name: String
        let model: any LoadedModel
        var perSecond = 0.0
    }

    private(set) var arrangements: [Arrangement]

    /// The ways: all cores for one run at a time, all cores shared by the callers, and a core for each run; with the runtime's own
    /// settings and with ours.
    init(modelAt url: URL, callers: Int, logger: Logger) async throws {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        func model(_ options: SessionOptions, _ count: Int) async throws -> any LoadedModel {
            try await ONNXRuntimeBackend(options: options, adaptsThreads: false, logger: logger)
                .load(modelAt: url, concurrency: count)
        }
        arrangements = []
        let kinds: [(name: String, options: (Int) -> SessionOptions)] = [
            ("default", { SessionOptions.standard(threads: $0) }), ("ours", { Self.own(threads: $0) }),
        ]
        for (kind, options) in kinds {
            for (threads, count) in [(cores, 1), (cores, callers), (1, cores)] {
                let name = "\(kind), \(threads) \(threads == 1 ? "thread" : "threads"), \(count) at once"
                arrangements.append(Arrangement(name: name, model: try await model(options(threads), count)))
            }
        }
    }

    /// Our settings for the whole of the file.
    private static func own(threads: Int) -> SessionOptions {
        var options = SessionOptions(threads: threads)
        options.leavesOutTails = false
        return options
    }

    /// Runs every arrangement in turn, in rounds, and keeps the median round of each.
    mutating func measure(_ inputs: [String: Tensor], rounds: Int = 3, seconds: Double = 1.5) async throws {
        var rates = [[Double]](repeating: [], count: arrangements.count)
        for round in 0...rounds {
            for (i, arrangement) in arrangements.enumerated() {
                let rate = try await Self.rate(arrangement.model, inputs, seconds: round == 0 ? 0.2 : seconds)
                if round > 0 { rates[i].append(rate) }
            }
        }
        for i in arrangements.indices { arrangements[i].perSecond = rates[i].sorted()[rates[i].count / 2] }
    }

    private static func rate(
        _ model: any LoadedModel, _ inputs: [String: Tensor], seconds: Double
    ) async throws -> Double {
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<model.maxConcurrency {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < end {
                        _ = try await model.infer(inputs)
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(count) / (ContinuousClock.now - start).seconds
    }

    var best: Arrangement? { arrangements.max { $0.perSecond < $1.perSecond } }

    func table() -> String {
        (["  bare runs                               a second"]
            + arrangements.map {
                "  " + $0.name.padded(to: 36) + String(format: "%12.2f", $0.perSecond)
            }).joined(separator: "\n")
    }

    func json(file: String, model: ModelID) -> String {
        func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
        var writer = JSONWriter()
        writer.raw(#"{"file":"#)
        writer.string(file)
        writer.raw(#","model":"#)
        writer.string("\(model)")
        writer.raw(#","runsPerSecond":{"#)
        for (i, arrangement) in arrangements.enumerated() {
            if i > 0 { writer.raw(",") }
            writer.string(arrangement.name)
            writer.raw(":")
            writer.number(rounded(arrangement.perSecond))
        }
        writer.raw(#"},"best":"#)
        writer.number(rounded(best?.perSecond ?? 0))
        writer.raw("}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
