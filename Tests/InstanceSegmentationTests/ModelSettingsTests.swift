import Foundation
import ImageCodecs
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// The files beside a model.
@Suite struct ModelSettingsTests {
    private func settings(_ files: [String: String]) throws -> ModelSettings {
        let folder = try TestFiles.temporaryFolder()
        for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
        return try ModelSettings(filesIn: folder)
    }

    @Test func everyKeyIsRead() throws {
        let found = try settings([
            "model.json": """
            {"family": "rtmdet-ins", "names": {"1": "person", "3": "car"}, "classes": ["car"], "backgroundClass": "last",
             "inputSize": [480, 640], "resize": "letterboxTopLeft", "shortestEdge": 800, "longestEdge": 1333, "divisor": 32,
             "padValue": 0, "antialias": true, "color": "bgr", "scale": 1, "mean": [1, 2, 3], "std": [4, 5, 6],
             "confidence": 0.25, "iou": 0.7, "suppression": "roboflow", "classAgnostic": true, "maxDetections": 50,
             "maskThreshold": 0.6, "outputs": {"boxes": "a"}, "maxBatchSize": 8, "colors": {"car": "#112233"}}
            """
        ])
        #expect(found.family == .rtmdetIns && found.names == [1: "person", 3: "car"] && found.namesAreSparse == true)
        #expect(found.classes == ["car"] && found.background == .last)
        #expect(found.inputSize == ImageSize(width: 640, height: 480) && found.resize == .letterboxTopLeft)
        #expect(found.padValue == 0 && found.antialias == true && found.color == .bgr && found.mean == [1, 2, 3])
        #expect(
            found.confidence == 0.25 && found.iou == 0.7 && found.suppression == .roboflow && found.maxDetections == 50)
        #expect(found.outputs == ["boxes": "a"] && found.maskThreshold == 0.6 && found.isClassAgnostic == true)
        #expect(try settings(["model.json": #"{"backgroundClass": null}"#]).background == ModelSettings.Background.none)
        #expect(try settings(["model.json": "{}"]).background == nil)
    }

    @Test(arguments: [
        (#"{"famly": "yolo"}"#, "unknown keys: famly"), (#"{"family": "yolo9000"}"#, "one of yolo, "),
        ("[1]", "JSON object"),
        ("{", "JSON"), (#"{"mean": [1, 2]}"#, "three numbers"), (#"{"std": [1, 0, 1]}"#, "other than 0"),
        (#"{"padValue": 300}"#, "0 to 255"), (#"{"names": 5}"#, "names"), (#"{"names": {"a": "b"}}"#, "names"),
        (#"{"inputSize": [0, 5]}"#, "[height, width]"), (#"{"backgroundClass": -1}"#, "slot"),
        (#"{"namesFile": "../../etc/passwd"}"#, "next to it"), (#"{"namesFile": 5}"#, "must be a file next to it"),
        (#"{"namesFile": ["class_names.txt"]}"#, "must be a file next to it"),
        (#"{"namesFile": "labels.names"}"#, "'labels.names', but there is no such file"),
        (#"{"namesFile": "class_names.txt"}"#, "no such file"),
    ])
    func mistakesAreNamed(json: String, text: String) {
        #expect { try settings(["model.json": json]) } throws: {
            "\($0)".contains(text) && "\($0)".contains("model.json")
        }
    }

    @Test func theNamesAreThoseOfTheFileThatIsNamed() throws {
        let files = ["labels.names": "a\nb\n", "class_names.txt": "x\n"]
        func names(_ json: String) throws -> [Int: String]? {
            try settings(files.merging(["model.json": json]) { $1 }).names
        }
        #expect(try names(#"{"namesFile": "labels.names"}"#) == [0: "a", 1: "b"])
        #expect(try names(#"{"namesFile": null}"#) == [0: "x"])
        #expect(try names("{}") == [0: "x"])
    }

    @Test func aPackageOfTheOlderRuntimeIsReadAsItIs() throws {
        let before =
            #"{"auto-orient": {"enabled": true}, "static-crop": {"enabled": true, "x_min": 25, "x_max": 75, "y_min": 0, "y_max": 50},"#
            + #" "contrast": {"enabled": true, "type": "Adaptive Equalization"}, "grayscale": {"enabled": false},"#
            + #" "resize": {"enabled": true, "width": 640, "height": 480, "format": "Fit (white edges) in"}}"#
        let quoted = String(decoding: try JSONEncoder().encode(before), as: UTF8.self)
        for value in [before, quoted] {
            let found = try settings([
                "environment.json": #"{"PREPROCESSING": \#(value), "CLASS_MAP": {"0": "x"}, "BATCH_SIZE": 8}"#,
                "class_names.txt": "cat\n dog \n",
            ])
            #expect(found.names == [0: "cat", 1: "dog"])
            #expect(found.resize == .letterbox && found.padValue == 255)
            #expect(found.inputSize == ImageSize(width: 640, height: 480))
            #expect(found.steps == [.crop(left: 0.25, top: 0, right: 0.75, bottom: 0.5), .contrast(.adaptive)])
        }
        #expect(try settings(["environment.json": "{}"]).resize == .stretch)
    }

    @Test func aPackageOfTheNewerRuntimeIsReadAsItIs() throws {
        let found = try settings([
            "inference_config.json": """
            {"image_pre_processing": {"static-crop": null, "grayscale": {"enabled": true}, "contrast": null},
             "network_input": {"training_input_size": {"height": 432, "width": 432}, "color_mode": "rgb", "resize_mode": "stretch",
               "padding_value": null, "scaling_factor": 255, "normalization": [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]},
             "post_processing": {"type": "nms", "fused": true, "nms_parameters": {"confidence_threshold": 0.3, "iou_threshold": 0.5}}}
            """,
            "model.json": #"{"resize": "letterbox"}"#,
        ])
        #expect(found.resize == .letterbox, "model.json goes first")
        #expect(
            found.steps == [.grayscale] && found.hasReadyRows == true && found.confidence == 0.3 && found.iou == 0.5)
        #expect(found.mean == [0.485, 0.456, 0.406] && found.inputSize == ImageSize(width: 432, height: 432))
    }

    @Test func checkpointsOfTransformersAndMMDeployAreRead() throws {
        let mask2former = try settings([
            "preprocessor_config.json": """
            {"image_processor_type": "Mask2FormerImageProcessor", "size": {"shortest_edge": 800, "longest_edge": 1333},
             "size_divisor": 32, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.2, 0.2, 0.2], "rescale_factor": 0.00392156862745098}
            """,
            "config.json": #"{"model_type": "mask2former", "id2label": {"0": "person", "1": "car"}}"#,
        ])
        #expect(mask2former.family == .mask2former && mask2former.names == [0: "person", 1: "car"])
        #expect(mask2former.resize == .shortestEdge && mask2former.shortestEdge == 800 && mask2former.divisor == 32)
        #expect(mask2former.scale == 255 && mask2former.mean == [0.5, 0.5, 0.5])
        let eomt = try settings([
            "preprocessor_config.json":
                #"{"image_processor_type": "EomtImageProcessor", "size": {"shortest_edge": 640, "longest_edge": 640}}"#
        ])
        #expect(eomt.family == .eomt && eomt.resize == .letterboxTopLeft)
        let mmdeploy = try settings([
            "pipeline.json": """
            {"pipeline": {"tasks": [{"name": "Preprocess", "transforms": [
              {"type": "Normalize", "mean": [103.53, 116.28, 123.675], "std": [57.375, 57.12, 58.395], "to_rgb": false},
              {"type": "Pad", "size_divisor": 32, "pad_val": {"img": [114, 114, 114]}}]}]}}
            """,
            "detail.json": #"{"version": "1", "classes": ["a", "b"]}"#,
        ])
        #expect(mmdeploy.color == .bgr && mmdeploy.scale == 1 && mmdeploy.padValue == 114 && mmdeploy.divisor == 32)
        #expect(mmdeploy.names == [0: "a", 1: "b"])
    }

    @Test func classesAreAListWithoutGaps() throws {
        func map(_ slots: Int?, _ json: String, first: Int = 0, background: Int? = nil) throws -> ClassMap {
            try ClassMap(
                slots: slots, try ModelConfiguration(metadata: [:], settings: settings(["model.json": json])),
                first: first,
                background: background)
        }
        let sparse = try map(91, #"{"names": {"1": "person", "3": "car"}}"#)
        #expect(sparse.names == ["person", "car"] && sparse[3]?.id == 1 && sparse[2] == nil && sparse[90] == nil)
        let last = try map(4, #"{"names": ["a", "b"], "backgroundClass": "last"}"#)
        #expect(last.names == ["a", "b", "2"] && last[3] == nil)
        #expect(try map(3, "{}", background: 2).names == ["0", "1"])
        #expect(try map(3, #"{"backgroundClass": null}"#, background: 2).names.count == 3)
        #expect(try map(3, #"{"names": ["a", "b", "c"], "classes": ["c"]}"#)[2]?.id == 0)
        let open = try map(nil, "{}", first: 1)
        #expect(open.names.isEmpty && open[0] == nil && open[5]?.id == 4 && open[5]?.name == "5")
        let named = try map(nil, #"{"names": ["__background__", "a", "b"]}"#, first: 1)
        #expect(named.names == ["a", "b"] && named[1]?.id == 0 && named[0] == nil)
        #expect(named[7]?.name == "7" && named[7]?.id == 6, "a class beyond the names is not lost")
    }

    @Test func roboflowsMeasureRemovesASmallBoxInsideALargeOne() {
        let large = Candidate(
            box: BoundingBox(x1: 0, y1: 0, x2: 100, y2: 100), confidence: 0.9, outputClass: 0, index: 0)
        let small = Candidate(
            box: BoundingBox(x1: 10, y1: 10, x2: 20, y2: 20), confidence: 0.8, outputClass: 0, index: 1)
        #expect(
            nonMaximumSuppression([small, large], metric: .iou, threshold: 0.3, maxCount: 10).map(\.index) == [0, 1])
        #expect(nonMaximumSuppression([small, large], metric: .ios, threshold: 0.3, maxCount: 10).map(\.index) == [0])
        #expect(nonMaximumSuppression([small, large], metric: nil, threshold: 0, maxCount: 10).map(\.index) == [0, 1])
    }

    @Test func onlyOnnxFilesOfTheirOwnAreModels() throws {
        let root = try TestFiles.temporaryFolder()
        for path in ["a/1/weights.onnx", "a/1/other.onnx", "b/1/yolov5s_weights.onnx", "c/1/x.onnx", "c/1/y.onnx"] {
            let file = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data().write(to: file)
        }
        let found = try ModelDirectory(root).models()
        #expect(
            found.map { "\($0.id) \($0.file.lastPathComponent)" } == ["a/1 weights.onnx", "b/1 yolov5s_weights.onnx"])
    }
}
