import Foundation
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Packages of Roboflow's newer engine, whose ways of preparing images are those of the engine itself. The expected inputs are the engine's,
/// made by scripts/make_package_fixtures.py.
@Suite struct RoboflowPackageTests {
    private struct Fixture: Decodable {
        struct Picture: Decodable {
            let width: Int
            let height: Int
            let pixels: Data
        }
        struct Case: Decodable {
            let family: String
            let image: Int
            let config: String
            let width: Int
            let height: Int
            let bytes: Data?
            let floats: Data?
        }
        let images: [Picture]
        let cases: [Case]
    }

    private func settings(_ config: String, _ other: [String: String] = [:]) throws -> ModelSettings {
        let folder = try TestFiles.temporaryFolder()
        for (name, text) in other.merging(["inference_config.json": config], uniquingKeysWith: { $1 }) {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        return try ModelSettings(filesIn: folder)
    }

    private func model(
        _ settings: ModelSettings, family: String = "yolo", size: ImageSize = ImageSize(width: 32, height: 24)
    ) throws -> any SegmentationModel {
        func tensor(_ name: String, _ shape: [Int]) -> TensorDescription {
            TensorDescription(name: name, elementType: .float32, shape: shape.map { .fixed($0) })
        }
        let outputs =
            family == "rfdetr"
            ? [tensor("dets", [1, 5, 4]), tensor("labels", [1, 5, 3]), tensor("masks", [1, 5, 8, 8])]
            : [tensor("output0", [1, 8, 21]), tensor("output1", [1, 2, 8, 8])]
        return try ModelFamily.model(
            for: ModelDescription(
                inputs: [tensor("images", [1, 3, size.height, size.width])], outputs: outputs,
                metadata: ["names": "['a', 'b']"]), settings: settings)
    }

    @Test func theFirstOfTwoResizesIsBoundedToo() throws {
        func config(_ side: Int) -> String {
            """
            {"network_input": {"training_input_size": {"width": 32, "height": 24}, "resize_mode": "letterbox",
            "dataset_version_resize_dimensions": {"width": \(side), "height": \(side)}}}
            """
        }
        #expect { try model(settings(config(8192)), family: "rfdetr") } throws: {
            "\($0)".contains("8192x8192") && "\($0)".contains("dataset_version_resize_dimensions")
        }
        _ = try model(settings(config(4096)), family: "rfdetr")
        // Other families have one resize, to their input.
        _ = try model(settings(config(8192)))
    }

    @Test func inputsAreThoseOfTheEngine() throws {
        let fixture = try JSONDecoder().decode(
            Fixture.self, from: Data(contentsOf: TestFiles.fixture("packages.json")))
        #expect(fixture.cases.count > 50)
        for (index, example) in fixture.cases.enumerated() {
            let picture = fixture.images[example.image]
            let image = RasterImage(
                size: ImageSize(width: picture.width, height: picture.height), pixels: Array(picture.pixels))
            let settings = try settings(example.config)
            let size = ImageSize(width: example.width, height: example.height)
            let input = try model(settings, family: example.family, size: size).preprocess(image)
            let found = try #require(input.tensors["images"])
            #expect(found.shape == [1, 3, example.height, example.width])
            let scale = try scale(example.config, example.family)
            let comment: Comment = "case \(index), \(example.family), image \(example.image): \(example.config)"
            if let bytes = example.bytes {
                let worst = zip(found.elements, bytes).map { abs($0 * scale - Float($1)) }.max() ?? 0
                // Pillow 13 resizes some sizes down before across; here it is always across first, which rounds otherwise.
                #expect(worst < (example.family == "rfdetr" ? 1.001 : 1e-3), comment)
            } else if let floats = example.floats {
                let expected = floats.withUnsafeBytes { $0.loadElements() }
                #expect(expected.count == found.count)
                let worst = zip(found.elements, expected).map { abs($0 - $1) }.max() ?? 0
                #expect(worst < 1e-5, comment)
            }
        }
    }

    /// What a byte was divided by.
    private func scale(_ config: String, _ family: String) throws -> Float {
        struct Config: Decodable {
            struct Network: Decodable { let scaling_factor: Float? }
            let network_input: Network
        }
        let network = try JSONDecoder().decode(Config.self, from: Data(config.utf8)).network_input
        return network.scaling_factor ?? (family == "rfdetr" ? 255 : 1)
    }

    private func config(_ network: String, before: String = "{}", more: String = "") -> String {
        #"{"image_pre_processing": \#(before), "network_input": {"training_input_size": {"width": 32, "height": 24}, \#(network)}\#(more)}"#
    }

    @Test func answersReturnToTheImageFromACenterCrop() throws {
        let model = try model(try settings(config(#""resize_mode": "center-crop""#)))
        let larger = model.transform(for: ImageSize(width: 101, height: 10))
        // 69 columns are cut off, 34 of them on the left; 14 rows are added, 7 of them above.
        #expect(larger.imageX(0) == 34 && larger.imageX(32) == 66 && larger.imageY(7) == 0 && larger.imageY(17) == 10)
        #expect(
            larger.imageBox(BoundingBox(x1: 0, y1: 0, x2: 32, y2: 24)) == BoundingBox(x1: 34, y1: 0, x2: 66, y2: 10))
    }

    @Test func answersReturnThroughBothSteps() throws {
        let text = config(
            #""resize_mode": "letterbox", "dataset_version_resize_dimensions": {"width": 48, "height": 30}"#)
        let transform = try model(try settings(text), family: "rfdetr").transform(
            for: ImageSize(width: 96, height: 30))
        // 48 x 15 of 48 x 30, with 7 rows above: boxes are shares of that.
        #expect(transform.networkSize == ImageSize(width: 48, height: 30) && transform.top == 7)
        #expect(transform.imageX(24) == 48 && transform.imageY(7) == 0 && transform.imageY(22) == 30)
    }

    @Test(arguments: [
        (#""resize_mode": "squash""#, "squash"), (#""resize_mode": 5"#, "resize_mode"),
        (#""resize_mode": "stretch", "input_channels": 4"#, "input_channels"),
        (#""resize_mode": "stretch", "color_mode": "yuv""#, "yuv"),
        (#""resize_mode": "letterbox", "padding_value": 300"#, "padding_value"),
        (#""resize_mode": "stretch", "normalization": [1, 2, 3]"#, "normalization"),
        (#""resize_mode": "stretch", "normalization": [[1, 2], [1, 2]]"#, "normalization"),
        (#""resize_mode": "stretch", "training_input_size": null"#, "training_input_size"),
        (#""resize_mode": "stretch", "scaling_factor": "255""#, "scaling_factor"),
    ])
    func whatCannotBeDoneIsRefused(network: String, words: String) {
        #expect { try settings(config(network)) } throws: { "\($0)".contains(words) }
    }

    @Test(arguments: [
        #"{"contrast": {"enabled": true, "type": "Gamma"}}"#,
        #"{"static-crop": {"enabled": true, "x_min": 80, "x_max": 20, "y_min": 0, "y_max": 100}}"#,
        #"{"static-crop": {"enabled": true, "x_min": 0, "x_max": 120, "y_min": 0, "y_max": 100}}"#,
        #"{"static-crop": {"enabled": true, "x_min": 0}}"#,
    ])
    func stepsThatCannotBeDoneAreRefused(before: String) {
        #expect(throws: SegmentationError.self) {
            try settings(config(#""resize_mode": "stretch""#, before: before))
        }
    }

    @Test func aRemovedNameIsNotServed() throws {
        let text = config(
            #""resize_mode": "stretch""#,
            more: #", "class_names_operations": [{"type": "class_name_removal", "class_name": "b"}]"#)
        let found = try settings(text, ["class_names.txt": "a\nb\nc\n"])
        #expect(try model(found, family: "rfdetr").classNames == ["a", "c"])
        #expect {
            try settings(config(#""resize_mode": "stretch""#, more: #", "class_names_operations": [{"type": "x"}]"#))
        } throws: { "\($0)".contains("class_names_operations") }
    }

    @Test func theOlderEnginesFileGivesWayToTheNewerOnes() throws {
        let older =
            #"{"PREPROCESSING": {"resize": {"width": 64, "height": 64, "format": "Fit (white edges) in"}}, "CLASS_MAP": {"0": "x"}}"#
        let found = try settings(config(#""resize_mode": "center-crop""#), ["environment.json": older])
        #expect(found.resize == nil && found.padValue == nil && found.steps == [] && found.names == [0: "x"])
        #expect(found.inputSize == ImageSize(width: 32, height: 24) && found.package?.mode == .centerCrop)
    }
}

extension UnsafeRawBufferPointer {
    /// 32-bit floats, lowest byte first.
    fileprivate func loadElements() -> [Float] {
        (0..<count / 4).map {
            Float(bitPattern: UInt32(littleEndian: loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
        }
    }
}
