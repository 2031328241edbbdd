import Foundation
import Imaging
import InstanceSegmentation
import TestSupport
import Testing

@testable import ONNXRuntimeBackend
@testable import RuntimeSupport

@Suite struct GraphTests {
    private func graph(_ fixture: String) throws -> (bytes: Data, graph: ONNXGraph?) {
        let bytes = try Data(contentsOf: TestFiles.fixture(fixture))
        return (bytes, ONNXGraph(reading: MemoryBytes(bytes)))
    }

    @Test func aFileIsReadAsItsOperationsAndOutputs() throws {
        let graph = try #require(try graph("family-half.onnx").graph)
        #expect(graph.outputs == ["output0", "output1"])
        #expect(graph.nodes.contains { $0.type == "ReduceMean" && $0.numbers["axes"] == [0, 1, 2, 3] })
        #expect(
            graph.node(making: "output0")?.type == "Concat" && graph.node(making: "output0")?.numbers["axis"] == [1])
        #expect(graph.node(making: "image") == nil && graph.detectionHeads == nil)
    }

    @Test func headsAreFoundInWhatUltralyticsExports() throws {
        let graph = try #require(try graph("tail.onnx").graph)
        let heads = try #require(graph.detectionHeads)
        #expect(heads.levels.map(\.boxes) == ["box8", "box16", "box32"])
        #expect(heads.levels.map(\.classes) == ["class8", "class16", "class32"])
        #expect(heads.levels.map(\.coefficients) == ["coefficients8", "coefficients16", "coefficients32"])
        #expect(heads.prototypes == "output1")
        // What is left answers them, and needs nothing else.
        let bytes = try #require(graph.file(answering: heads.names))
        let rest = try #require(ONNXGraph(reading: MemoryBytes(bytes)))
        #expect(rest.outputs == heads.names && rest.nodes.count < graph.nodes.count)
        #expect(!rest.nodes.contains { ["Softmax", "Sigmoid", "Slice"].contains($0.type) })
    }

    @Test(arguments: ["wide", "narrow"]) func withoutItsTailAFileAnswersTheSame(shape: String) async throws {
        let size = shape == "wide" ? ImageSize(width: 96, height: 64) : ImageSize(width: 64, height: 160)
        var pixels = [UInt8](repeating: 0, count: 3 * size.area)
        for i in pixels.indices { pixels[i] = UInt8(truncatingIfNeeded: i &* i &* 31 &+ i / 7) }
        let image = RasterImage(size: size, pixels: pixels)
        var answers: [[Detection]] = []
        for leavesOutTails in [true, false] {
            var options = SessionOptions(threads: 1)
            options.leavesOutTails = leavesOutTails
            let lane = try await ONNXRuntimeBackend(options: options).load(
                modelAt: TestFiles.fixture("tail.onnx"), concurrency: 1)
            #expect((lane.modelDescription.heads != nil) == leavesOutTails)
            answers.append(
                try await Segmenter(session: lane).segment(image, options: PredictionOptions(confidenceThreshold: 0.1))
                    .detections)
        }
        #expect(answers[0].count > 5 && answers[0].map(\.classID) == answers[1].map(\.classID))
        for (own, exported) in zip(answers[0], answers[1]) {
            #expect(abs(own.confidence - exported.confidence) < 1e-6)
            for side in [\BoundingBox.x1, \.y1, \.x2, \.y2] {
                #expect(abs(own.box[keyPath: side] - exported.box[keyPath: side]) < 1e-3)
            }
            #expect(own.mask.iou(with: exported.mask) > 0.99)
        }
    }

    @Test func damagedFilesAreRefusedOrReadButNeverTrusted() throws {
        let bytes = try Data(contentsOf: TestFiles.fixture("tail.onnx"))
        for length in stride(from: 0, to: bytes.count, by: 61) {
            if let graph = ONNXGraph(reading: MemoryBytes(bytes.prefix(length))), let heads = graph.detectionHeads {
                _ = graph.file(answering: heads.names)
            }
        }
        var random = SeededRandom(seed: 3)
        for _ in 0..<1500 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if let graph = ONNXGraph(reading: MemoryBytes(damaged)) {
                _ = graph.file(answering: graph.detectionHeads?.names ?? ["output0"])
            }
        }
    }
}
