import Foundation
import Imaging
import InstanceSegmentation
import RuntimeSupport
import Synchronization
import TestSupport
import Testing

@testable import ONNXRuntimeBackend

/// What happened, in its order.
private final class Log: Sendable {
    private let list = Mutex<[String]>([])
    var entries: [String] { list.withLock { $0 } }
    func add(_ entry: String) { list.withLock { $0.append(entry) } }
}

@Suite struct ONNXRuntimeBackendTests {
    let backend: ONNXRuntimeBackend

    init() throws {
        backend = try ONNXRuntimeBackend(options: SessionOptions(threads: 2))
    }

    private func load(_ name: String, concurrency: Int = 1) async throws -> any LoadedModel {
        try await backend.load(modelAt: TestFiles.fixture(name), concurrency: concurrency)
    }

    @Test func aModelDescribesItself() async throws {
        let model = try await load("bright.onnx").modelDescription
        #expect(model.inputs.map(\.description) == ["images float32 [batch, 3, height, width]"])
        #expect(
            model.outputs.map(\.description) == [
                "output0 float32 [batch, 7, anchors]", "output1 float32 [batch, 1, mask_height, mask_width]",
            ])
        #expect(model.metadata["task"] == "segment")
        #expect(model.metadata["names"] == "{0: 'bright', 1: \"d'im\"}")
    }

    @Test func aBrightDiscIsFoundWithItsOutline() async throws {
        let segmenter = try Segmenter(session: try await load("bright.onnx"))
        #expect(segmenter.model.classNames == ["bright", "d'im"])
        let image = RasterImage.disc(width: 512, height: 384, centerX: 208, centerY: 176, radius: 60)
        let found = try await segmenter.segment(image)
        #expect(found.detections.count == 1)
        let detection = try #require(found.detections.first)
        #expect(detection.className == "bright")
        // A box of 96 x 96 network pixels; the image is halved for the network.
        #expect(detection.box.width == 192 && detection.box.height == 192)
        let bounds = try #require(detection.mask.bounds)
        #expect(abs(bounds.centerX - 208) < 2 && abs(bounds.centerY - 176) < 2)
        let area = 3600 * Double.pi
        let difference = abs(Double(detection.mask.area) - area)
        #expect(difference < 0.03 * area)
    }

    @Test func nothingIsFoundInTheDark() async throws {
        let segmenter = try Segmenter(session: try await load("bright.onnx"))
        let found = try await segmenter.segment(RasterImage(size: ImageSize(width: 100, height: 30), color: .black))
        #expect(found.detections.isEmpty)
    }

    @Test func everyElementTypeIsReadAsFloats() async throws {
        let session = try await load("types.onnx")
        let result = try await session.infer(["x": Tensor(shape: [4], elements: [0, 1, 3, 100])])
        #expect(result.outputs.count == 8)
        for (name, tensor) in result.outputs {
            #expect(tensor.elements == (name == "bool" ? [0, 1, 1, 1] : [0, 1, 3, 100]), "\(name)")
        }
    }

    @Test(arguments: [true, false]) func runsOfOneModelAgreeHoweverManyThereAre(adaptsThreads: Bool) async throws {
        let backend = try ONNXRuntimeBackend(options: SessionOptions(threads: 4), adaptsThreads: adaptsThreads)
        let model = try await backend.load(modelAt: TestFiles.fixture("bright.onnx"), concurrency: 3)
        #expect(model.maxConcurrency == 3)
        let input = Tensor(shape: [1, 3, 64, 96], elements: (0..<3 * 64 * 96).map { Float($0 % 97) / 97 })
        try await model.warmUp(["images": input])
        // Alone, then as many at once as may run, then more.
        var answers: [[Float]] = []
        for count in [1, 3, 12] {
            answers += try await withThrowingTaskGroup(of: [Float].self) { group in
                for _ in 0..<count {
                    group.addTask { try await model.infer(["images": input]).outputs["output0"]?.elements ?? [] }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(answers.count == 16)
        #expect(Set(answers).count == 1)
        #expect(answers[0].count == 7 * 6)
    }

    @Test func memoryIsGivenBackAndRunsGoOnAsBefore() async throws {
        let backend = try ONNXRuntimeBackend()
        let lane = try await backend.load(modelAt: TestFiles.fixture("family-rtmdet-ins.onnx"), concurrency: 1)
        let input = ["image": Tensor(shape: [1, 3, 64, 64], elements: [Float](repeating: 1, count: 3 * 64 * 64))]
        let before = try await lane.infer(input)
        for _ in 0..<2 {
            try await backend.releaseMemory()
            let after = try await lane.infer(input)
            for (name, tensor) in before.outputs { #expect(after.outputs[name]?.elements == tensor.elements) }
        }
    }

    @Test func backendsShareOneLibrary() async throws {
        // A second environment would warn of a second logger, and add a second pool, which the runtime refuses.
        let others = try (0..<20).map { _ in try ONNXRuntimeBackend() }
        for other in others { #expect(other.library === backend.library) }
    }

    @Test func loadingAndReleasingOccupyNoThreadOfTheCallers() async throws {
        let model = TestFiles.root.appending(path: "models/tabletop/1/model.onnx")
        let works: [@Sendable () async throws -> Void] = [
            { [backend] in _ = try await backend.load(modelAt: model, concurrency: 2) },
            { [backend] in try await backend.releaseMemory() },
        ]
        for work in works {
            let pool = WorkerPool(threadCount: 1)
            let order = Log()
            let first = Task(executorPreference: pool) {
                try await work()
                order.add("work")
            }
            // Behind the work, whose beginning is all that happens on the only thread.
            let second = Task(executorPreference: pool) { order.add("other") }
            await second.value
            try await first.value
            #expect(order.entries == ["other", "work"])
        }
    }

    @Test func errorsSayWhichFunctionFailedAndWhy() async throws {
        await #expect { try await load("absent.onnx") } throws: { error in
            "\(error)".contains("CreateSession") && "\(error)".contains("absent.onnx")
        }
        let folder = try TestFiles.temporaryFolder()
        let file = folder.appending(path: "nonsense.onnx")
        try Data("this is no model".utf8).write(to: file)
        await #expect(throws: ONNXRuntimeError.self) { try await backend.load(modelAt: file, concurrency: 1) }

        let session = try await load("bright.onnx")
        await #expect { try await session.infer([:]) } throws: { "\($0)".contains("'images' was not given") }
        await #expect {
            try await session.infer([
                "images": Tensor(shape: [1, 4, 64, 64], elements: [Float](repeating: 0, count: 16384))
            ])
        } throws: { "\($0)".contains("Run failed") }
        await #expect(throws: ONNXRuntimeError.self) {
            try await session.infer(["images": Tensor(shape: [1, 3, 0, 0], elements: [])])
        }
    }

    @Test func aFileOfAnotherVersionOrNoneIsExplained() async throws {
        let folder = try TestFiles.temporaryFolder()
        let whole = try Data(contentsOf: TestFiles.fixture("bright.onnx"))
        #expect(whole[0] == 0x08, "field 1 of the file is its IR version")
        var newer = whole
        newer[1] = 99
        // Field 8 once more: the default domain with version 99.
        let opset = whole + Data([0x42, 0x02, 0x10, 99])
        for (bytes, words) in [
            (newer, "IR version 99"), (opset, "opset 99 of ai.onnx"), (whole.prefix(100), "truncated"),
            (Data("this is no model".utf8), "not a valid ONNX model"),
        ] {
            let file = folder.appending(path: "model.onnx")
            try bytes.write(to: file)
            await #expect { try await backend.load(modelAt: file, concurrency: 1) } throws: {
                "\($0)".hasPrefix("The model \(file.path) cannot be read:") && "\($0)".contains(words)
            }
        }
    }

    @Test func aModelForAnotherTaskIsRefused() async throws {
        let session = try await load("detect.onnx")
        #expect { try Segmenter(session: session) } throws: { "\($0)".contains("'detect'") }
    }
}
