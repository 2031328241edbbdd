import AnnotationFormats
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import ImageCodecs
import Imaging
import InstanceSegmentation
import Logging
import NIOCore
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// Models that cannot be used next to one that can, and answers that are no numbers, through the routes.
@Suite(.timeLimit(.minutes(2))) struct HostileModelTests {
    /// A folder of models, each of one file next to an empty `model.onnx`.
    private func folder(_ models: [String: (file: String, text: String)]) throws -> URL {
        let root = try TestFiles.temporaryFolder()
        for (name, content) in models {
            let folder = root.appending(path: "\(name)/1")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data().write(to: folder.appending(path: "model.onnx"))
            try Data(content.text.utf8).write(to: folder.appending(path: content.file))
        }
        return root
    }

    private func description(input: [Int], names: String = "['left', 'right']") -> ModelDescription {
        let good = ModelDescription.yolo(names: ["left", "right"], coefficients: 1)
        return ModelDescription(
            inputs: [TensorDescription(name: "images", elementType: .float32, shape: input.map { .fixed($0) })],
            outputs: good.outputs, metadata: good.metadata.merging(["names": names]) { $1 })
    }

    /// The server over a folder; what a model's network says of itself depends on the name of its dataset.
    private func application(_ root: URL, preload: Bool) async throws -> some ApplicationProtocol {
        let sides = ["side20": 1 << 20, "side31": (1 << 31) - 1, "side62": 1 << 62]
        let backend = StubBackend { path in
            let dataset = URL(filePath: path).pathComponents.suffix(3).first ?? ""
            let good = TestServer.halfSession()
            func session(_ model: ModelDescription) -> StubSession {
                StubSession(model: model) { inputs in try await good.infer(inputs).outputs }
            }
            if let side = sides[dataset] { return session(self.description(input: [1, 3, side, side])) }
            switch dataset {
            case "metadata": return session(self.description(input: [1, 3, 64, 64], names: "{99999999999: 'a'}"))
            case "infinite":
                return StubSession(model: .yolo(names: ["left", "right"], coefficients: 1)) { inputs in
                    var outputs = try await good.infer(inputs).outputs
                    outputs["output0"] = Tensor(shape: [1, 7, 1], elements: [.nan, 9, 9, 9, .infinity, 0, 1])
                    return outputs
                }
            default: return good
            }
        }
        let ids = try ModelDirectory(root).models().map(\.id)
        return try await TestServer.application(
            ServerConfiguration(port: 0, limits: TestServer.limits, preload: preload ? ids : []), .folder(root),
            backend: backend)
    }

    @Test(arguments: [true, false]) func oneUnusableModelLeavesTheOthersServed(preload: Bool) async throws {
        let root = try folder([
            "good": ("class_names.txt", "left\nright\n"),
            "infinite": ("class_names.txt", "left\nright\n"),
            "key63": ("model.json", #"{"names": {"9223372036854775807": "a"}}"#),
            "key11": ("model.json", #"{"names": {"99999999999": "a"}}"#),
            "labels": ("config.json", #"{"id2label": {"99999999999": "a"}}"#),
            "edge": ("preprocessor_config.json", #"{"size": {"shortest_edge": 0}}"#),
            "divisor": ("pipeline.json", #"{"p": [{"type": "Pad", "size_divisor": 0}]}"#),
            "side20": ("class_names.txt", "a\n"), "side31": ("class_names.txt", "a\n"),
            "side62": ("class_names.txt", "a\n"), "metadata": ("pipeline.json", "{}"),
        ])
        let pipe = root.appending(path: "pipe/1")
        try FileManager.default.createDirectory(at: pipe, withIntermediateDirectories: true)
        try Data().write(to: pipe.appending(path: "model.onnx"))
        #expect(mkfifo(pipe.appending(path: "class_names.txt").path, 0o600) == 0)
        let reasons = [
            "key63":
                "model.json: class number 9223372036854775807 is out of range; numbers from 0 to 65535 are accepted.",
            "key11": "model.json: class number 99999999999 is out of range",
            "labels": "config.json: class number 99999999999 is out of range",
            "edge": "'shortest_edge' is 0; whole numbers from 1 to 8192 are accepted.",
            "divisor": "'size_divisor' is 0", "side20": "a dimension of 1048576; at most 8192 is accepted",
            "side31": "a dimension of 2147483647", "side62": "a dimension of 4611686018427387904",
            "metadata": "class number 99999999999 is out of range", "pipe": "is a named pipe",
        ]
        try await TestServer.whenReady(try await application(root, preload: preload)) { client in
            func answer(_ model: String) async throws -> (status: HTTPResponse.Status, text: String) {
                let response = try await client.execute(
                    uri: "/\(model)/1", method: .post, headers: [.contentType: "application/x-www-form-urlencoded"],
                    body: TestServer.base64)
                return (response.status, String(buffer: response.body))
            }
            for _ in 0..<2 {
                for (model, reason) in reasons {
                    let refused = try await answer(model)
                    #expect(refused.status == .internalServerError)
                    #expect(refused.text.contains("The model \(model)/1 cannot be used."), "\(refused.text)")
                    #expect(refused.text.contains(reason), "\(refused.text)")
                    #expect(!refused.text.contains(root.path), "paths of the machine are not told")
                }
                let good = try await answer("good")
                #expect(good.status == .ok && good.text.contains(#""class":"left""#))
                let infinite = try await answer("infinite")
                #expect(infinite.status == .ok && infinite.text.contains(#""predictions":[]"#))
                for path in ["/healthz", "/readiness"] {
                    #expect(try await client.execute(uri: path, method: .get, body: nil).status == .ok)
                }
            }
        }
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity]) func whatIsNoNumberIsWrittenAsNull(value: Double) throws {
        var writer = JSONWriter()
        writer.raw("[")
        writer.number(value)
        writer.raw(",")
        writer.number(Float(value))
        writer.raw("]")
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "[null,null]")
    }

    @Test func numbersOfAnySizeAreWrittenAsJSON() throws {
        let numbers =
            [
                .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, .leastNormalMagnitude,
                1e300, -1e-300,
                1e18, 9_223_372_036_854_775_808, -9_223_372_036_854_775_808, 1e19, 0.1, 123_456_789.125,
            ] as [Double]
        for value in numbers {
            for single in [false, true] where !single || Float(value).isFinite {
                var writer = JSONWriter()
                if single { writer.number(Float(value)) } else { writer.number(value) }
                let text = String(decoding: writer.bytes, as: UTF8.self)
                #expect(text.allSatisfy { $0.isNumber || "-.".contains($0) }, "\(text)")
                if single { #expect(Float(text) == Float(value)) } else { #expect(Double(text) == value) }
            }
        }
    }

    /// Whatever a network answers, every format is a file that can be read.
    @Test(arguments: StubNetwork.all) func everyFormatIsWrittenWhateverTheNetworkAnswers(network: StubNetwork)
        async throws
    {
        let image = RasterImage.gradient(width: 50, height: 40)
        for seed in 0..<24 as Range<UInt64> {
            let segmenter = try network.segmenter { output, index in
                var random = SeededRandom(
                    seed: seed &* 7919 &+ UInt64(index) &+ UInt64(output.utf8.count) &* 104_729)
                guard seed % 2 == 0 || UInt64.random(in: 0..<8, using: &random) == 0 else { return 0.9 }
                return Float.strange.randomElement(using: &random) ?? .nan
            }
            let found = try await segmenter.segment(
                image, options: PredictionOptions(confidenceThreshold: 0.05, iouThreshold: 0.9, maxDetections: 8))
            for format in MaskFormat.allCases {
                let bytes = PredictionResponse(found, maskFormat: format, simplification: 1).json()
                let answer = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
                for prediction in try #require(answer["predictions"] as? [[String: Any]]) {
                    let confidence = try #require(prediction["confidence"] as? Double)
                    #expect((0...1).contains(confidence))
                    for side in ["x", "y", "width", "height"] { #expect(prediction[side] is Double) }
                }
            }
            let picture = ExportedImage(
                file: "a.png", segmentation: found, classNames: segmenter.model.classNames, image: image)
            for format in ExportFormat.allCases {
                let file = try format.file(for: picture)
                if [.coco, .geojson, .labelme].contains(format) {
                    _ = try JSONSerialization.jsonObject(with: Data(file))
                }
                let text = String(decoding: file, as: UTF8.self)
                if ![.mask, .cutout].contains(format) { #expect(!text.contains("nan") && !text.contains("null,null")) }
            }
        }
    }
}
