import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation
import ONNXRuntimeBackend
import RuntimeSupport
import TestSupport
import Testing

@testable import OpenVINOBackend

private let isThere = (try? OpenVINOBackend()) != nil

/// Needs the library, which `make setup BACKENDS=openvino` fetches: skipped where it is missing.
@Suite(.enabled(if: isThere, "make setup BACKENDS=openvino fetches OpenVINO"))
struct OpenVINOBackendTests {
    private func load(_ name: String, mayReducePrecision: Bool = false) async throws -> any LoadedModel {
        try await OpenVINOBackend(threads: 2, mayReducePrecision: mayReducePrecision).load(
            modelAt: TestFiles.fixture(name), concurrency: 1)
    }

    /// Inputs of the least size that a model takes, filled with numbers that differ from place to place.
    private func inputs(of model: ModelDescription) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for input in model.inputs {
            let free = input.shape.enumerated().map { $0.offset < 2 && $0.element.length == nil ? 1 : 64 }
            let shape = zip(input.shape, free).map { $0.length ?? $1 }
            let count = shape.reduce(1, *)
            let scale: Float = input.elementType == .uint8 ? 255 : 1
            result[input.name] = Tensor(shape: shape, elements: (0..<count).map { Float($0 * 31 % 97) / 97 * scale })
        }
        return result
    }

    @Test func allBackendsShareOneCore() throws {
        let library = try OpenVINOLibrary.open()
        #expect(try OpenVINOLibrary.open() === library)
    }

    @Test(arguments: [
        "bright", "tail", "family-batch", "family-bytes", "family-detectron2", "family-half", "family-maskformer",
        "family-mmdeploy", "family-rtmdet-heads", "family-rtmdet-ins", "family-yolact", "family-yolov7",
        "family-yolov9",
    ]) func itAnswersWhatONNXRuntimeAnswers(name: String) async throws {
        let own = try await load(name + ".onnx")
        let other = try await ONNXRuntimeBackend(options: .standard(threads: 1)).load(
            modelAt: TestFiles.fixture(name + ".onnx"), concurrency: 1)
        #expect(own.modelDescription.inputs.map(\.name) == other.modelDescription.inputs.map(\.name))
        #expect(own.modelDescription.inputs.map(\.elementType) == other.modelDescription.inputs.map(\.elementType))
        #expect(own.modelDescription.outputs.map(\.name) == other.modelDescription.outputs.map(\.name))
        #expect(own.modelDescription.metadata == other.modelDescription.metadata)
        #expect(
            try ModelFamily.model(for: own.modelDescription, settings: ModelSettings()).family
                == ModelFamily.model(for: other.modelDescription, settings: ModelSettings()).family)
        let inputs = inputs(of: other.modelDescription)
        let (found, expected) = (try await own.infer(inputs).outputs, try await other.infer(inputs).outputs)
        for (output, tensor) in expected {
            let answer = try #require(found[output])
            #expect(answer.shape == tensor.shape, "\(output)")
            let worst = zip(answer.elements, tensor.elements).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
            // Half precision has ten bits.
            #expect(worst < (name == "family-half" ? 2e-3 : 1e-4), "\(output) differs by \(worst)")
        }
    }

    @Test func everyElementTypeIsReadAsFloats() async throws {
        let session = try await load("types.onnx")
        let result = try await session.infer(["x": Tensor(shape: [4], elements: [0, 1, 3, 100])])
        #expect(result.outputs.count == 8)
        for (name, tensor) in result.outputs {
            #expect(tensor.elements == (name == "bool" ? [0, 1, 1, 1] : [0, 1, 3, 100]), "\(name)")
        }
    }

    @Test(arguments: [false, true]) func theDefaultModelFindsTheSameInEitherPrecision(reduced: Bool) async throws {
        let folder = TestFiles.root.appending(path: "models/tabletop/1")
        let file = folder.appending(path: "model.onnx").path
        let image = try RasterImage(decoding: [UInt8](Data(contentsOf: folder.appending(path: "sample.jpg"))))
        let backend = try OpenVINOBackend(threads: 2, mayReducePrecision: reduced)
        let own = try Segmenter(session: try await backend.load(modelAt: URL(filePath: file), concurrency: 1))
        let other = try Segmenter(
            session: try await ONNXRuntimeBackend().load(modelAt: URL(filePath: file), concurrency: 1))
        let options = PredictionOptions(confidenceThreshold: 0.5)
        let expected = try await other.segment(image, options: options).detections
        let found = try await own.segment(image, options: PredictionOptions(confidenceThreshold: 0.3)).detections
        #expect(expected.count > 3)
        let isExact = backend.precision == .float32
        for object in expected {
            let same = found.filter { $0.className == object.className }.max {
                $0.box.iou(with: object.box) < $1.box.iou(with: object.box)
            }
            let match = try #require(same)
            #expect(match.box.iou(with: object.box) > (isExact ? 0.99 : 0.9), "\(object.className)")
            #expect(abs(match.confidence - object.confidence) < (isExact ? 1e-3 : 0.1), "\(object.className)")
        }
    }

    @Test func whatARunAnsweredStaysWhileOthersRun() async throws {
        let lane = try await load("bright.onnx")
        func input(_ value: Float, side: Int) -> [String: Tensor] {
            ["images": Tensor(shape: [1, 3, side, side], elements: [Float](repeating: value, count: 3 * side * side))]
        }
        let first = try await lane.infer(input(0.25, side: 64)).outputs
        let kept = first.mapValues(\.elements)
        for k in 0..<6 { _ = try await lane.infer(input(Float(k) / 5, side: 32 * (k + 1))) }
        for (name, tensor) in first { #expect(tensor.elements == kept[name]) }
    }

    @Test func runsOfOneModelAgreeHoweverManyThereAre() async throws {
        let backend = try OpenVINOBackend(mayReducePrecision: false)
        let model = try await backend.load(modelAt: TestFiles.fixture("bright.onnx"), concurrency: 3)
        let input = Tensor(shape: [1, 3, 64, 96], elements: (0..<3 * 64 * 96).map { Float($0 % 97) / 97 })
        let answers = try await withThrowingTaskGroup(of: [Float].self) { group in
            for i in 0..<40 {
                group.addTask {
                    if i % 10 == 9 { await backend.releaseMemory() }
                    return try await model.infer(["images": input]).outputs["output0"]?.elements ?? []
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 40 && Set(answers).count == 1)
    }

    @Test func aRunThatIsAskedToEndDoesSoAndItsRequestRunsAgain() throws {
        let session = try OpenVINOSession(
            library: .open(), path: TestFiles.root.appending(path: "models/tabletop/1/model.onnx").path,
            precision: .float32, streams: 1, threads: 2)
        let inputs = inputs(of: session.description)
        let before = try session.run(inputs).mapValues(\.elements)
        let duration = try ContinuousClock().measure { _ = try session.run(inputs) }
        // A run that began before it was asked to end throws only if the library ends it. A request that comes too late
        // leaves the run to its end.
        var hasEnded = false
        for trial in 0..<50 where !hasEnded {
            let interruption = RunInterruption()
            let (hasBegun, hasRequested) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            Thread.detachNewThread {
                hasBegun.wait()
                Thread.sleep(forTimeInterval: duration / .seconds(1) * Double(3 + trial % 6) / 10)
                interruption.request()
                hasRequested.signal()
            }
            hasBegun.signal()
            do {
                _ = try RunInterruption.$current.withValue(interruption) { try session.run(inputs) }
            } catch is CancellationError { hasEnded = true }
            hasRequested.wait()
        }
        #expect(hasEnded)
        #expect(try session.run(inputs).mapValues(\.elements) == before)
    }

    @Test func errorsSayWhatIsWrong() async throws {
        await #expect { try await load("absent.onnx") } throws: { "\($0)".contains("absent.onnx cannot be read") }
        let file = try TestFiles.temporaryFolder().appending(path: "nonsense.onnx")
        let backend = try OpenVINOBackend()
        let whole = try Data(contentsOf: TestFiles.fixture("bright.onnx"))
        for (bytes, words) in [
            (Data("this is no model".utf8), "not a valid ONNX model"), (whole.prefix(100), "not a valid ONNX model"),
            (Data(), "is empty"),
        ] {
            try bytes.write(to: file)
            await #expect { try await backend.load(modelAt: file, concurrency: 1) } throws: {
                "\($0)".contains(words)
            }
        }
        let session = try await load("bright.onnx")
        await #expect { try await session.infer([:]) } throws: { "\($0)".contains("'images' was not given") }
        await #expect(throws: OpenVINOError.self) {
            try await session.infer(["images": Tensor(shape: [1, 3, 0, 0], elements: [])])
        }
        await #expect(throws: OpenVINOError.self) {
            try await session.infer([
                "images": Tensor(shape: [1, 4, 64, 64], elements: [Float](repeating: 0, count: 16384))
            ])
        }
        // And goes on.
        #expect(!(try await session.infer(inputs(of: session.modelDescription))).outputs.isEmpty)
    }

    @Test func quantizedFilesAreLeftToONNXRuntime() async throws {
        let backend = try OpenVINOBackend()
        await #expect { try await backend.load(modelAt: TestFiles.fixture("quantized.onnx"), concurrency: 1) } throws: {
            "\($0)".contains("is quantized")
        }
    }
}
