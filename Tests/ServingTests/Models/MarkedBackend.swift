import Dispatch
import Foundation
import InstanceSegmentation
import Synchronization
import TestSupport

/// A backend for files that hold a number instead of a network. The network answers with that number, so that a test sees which file an
/// answer comes from.
final class MarkedBackend: InferenceBackend {
    let name = "stub"
    let precision = InferencePrecision.float32

    private struct State {
        /// Loads that wait until the test releases them, by dataset.
        var gates: [String: DispatchSemaphore] = [:]
        var loads: [String] = []
        var descriptions = 0
        var alive = 0
        var mostAtOnce = 0
        var atOnce = 0
    }
    private let state = Mutex(State())

    /// The datasets that were loaded, in their order.
    var loads: [String] { state.withLock { $0.loads } }
    /// How many headers were read.
    var descriptionCount: Int { state.withLock { $0.descriptions } }
    /// Networks in memory.
    var aliveCount: Int { state.withLock { $0.alive } }
    /// Most loads that ran at the same time.
    var mostAtOnce: Int { state.withLock { $0.mostAtOnce } }

    /// Lets loads of a dataset wait.
    func hold(_ dataset: String) { state.withLock { $0.gates[dataset] = DispatchSemaphore(value: 0) } }

    /// Lets the loads of a dataset that wait go on, and others not wait.
    func release(_ dataset: String) {
        guard let gate = state.withLock({ $0.gates.removeValue(forKey: dataset) }) else { return }
        for _ in 0..<100 { gate.signal() }
    }

    func describe(modelAt url: URL) throws -> ModelDescription {
        state.withLock { $0.descriptions += 1 }
        _ = try Self.number(in: url)
        return .yolo(names: ["left", "right"], coefficients: 1)
    }

    func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel {
        let dataset = url.pathComponents.suffix(3).first ?? ""
        let gate = state.withLock { state in
            state.loads.append(dataset)
            state.atOnce += 1
            state.mostAtOnce = max(state.mostAtOnce, state.atOnce)
            return state.gates[dataset]
        }
        defer { state.withLock { $0.atOnce -= 1 } }
        Self.wait(gate)
        return MarkedModel(number: try Self.number(in: url), backend: self)
    }

    /// Blocks the thread, as a runtime does.
    private static func wait(_ gate: DispatchSemaphore?) { gate?.wait() }

    private static func number(in url: URL) throws -> Int {
        let text = try OrdinaryFile.contents(of: url).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let number = Int(text) else {
            throw SegmentationError.invalidConfiguration("'\(text.excerpt())' is not a network.")
        }
        return number
    }

    fileprivate func count(alive change: Int) { state.withLock { $0.alive += change } }
}

/// A network that finds one object, whose confidence is `0.5 + number / 1000`.
private final class MarkedModel: LoadedModel {
    let modelDescription = ModelDescription.yolo(names: ["left", "right"], coefficients: 1)
    let maxConcurrency = 1
    private let number: Int
    private let backend: MarkedBackend

    init(number: Int, backend: MarkedBackend) {
        self.number = number
        self.backend = backend
        backend.count(alive: 1)
    }

    deinit { backend.count(alive: -1) }

    func warmUp(_ inputs: [String: Tensor]) async throws { _ = try await infer(inputs) }

    func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        guard let input = inputs["images"] else { return InferenceResult(outputs: [:], inferenceDuration: .zero) }
        let (height, width) = (input.shape[2], input.shape[3])
        let box: [Float] = [
            Float(width) / 4, Float(height) / 2, Float(width) / 2, Float(height), 0.5 + Float(number) / 1000, 0.1, 1,
        ]
        let (rows, columns) = (height / 4, width / 4)
        return InferenceResult(
            outputs: [
                "output0": Tensor(shape: [1, 7, 1], elements: box),
                "output1": Tensor(
                    shape: [1, 1, rows, columns], elements: [Float](repeating: 1, count: rows * columns)),
            ], inferenceDuration: .zero)
    }
}
