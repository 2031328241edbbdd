import Foundation
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Files next to a model that ask for what would end the process, block it, or take its memory.
@Suite(.timeLimit(.minutes(1))) struct HostileSettingsTests {
    private func settings(_ files: [String: String]) throws -> ModelSettings {
        let folder = try TestFiles.temporaryFolder()
        for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
        return try ModelSettings(filesIn: folder)
    }

    @Test(arguments: [
        (
            "model.json", #"{"names": {"9223372036854775807": "a"}}"#,
            "9223372036854775807 is out of range; numbers from 0 to 65535"
        ),
        ("model.json", #"{"names": {"99999999999": "a"}}"#, "99999999999 is out of range"),
        ("model.json", #"{"names": {"65536": "a"}}"#, "65536 is out of range"),
        ("model.json", #"{"names": {"99999999999999999999999999": "a"}}"#, "out of range"),
        ("model.json", #"{"names": {"-9223372036854775808": "a"}}"#, "names by number"),
        ("model.json", #"{"inputSize": [1048576, 640]}"#, "from 1 to 8192"),
        ("model.json", #"{"inputSize": 4611686018427387904}"#, "from 1 to 8192"),
        ("model.json", #"{"inputSize": -1}"#, "from 1 to 8192"),
        ("model.json", #"{"divisor": 4611686018427387904}"#, "from 1 to 1024"),
        ("model.json", #"{"mean": [1e300, 0, 0]}"#, "a mean is inf"),
        ("model.json", #"{"std": [1e-30, 1, 1]}"#, "standard deviation is 1e-30"),
        ("model.json", #"{"std": [1, 1, 1e300]}"#, "standard deviation is inf"),
        ("model.json", #"{"scale": 0}"#, "number from"), ("model.json", #"{"scale": 1e400}"#, "model.json"),
        ("model.json", #"{"confidence": 37.5}"#, "from 0.0 to 1.0"),
        ("model.json", #"{"backgroundClass": 9007199254740992}"#, "a slot's number"),
        ("model.json", #"{"maxDetections": -5}"#, "from 1 to 300"), ("model.json", #"{"namesFile": ""}"#, "next to it"),
        ("model.json", #"{"namesFile": "a\u0000b"}"#, "next to it"),
        ("model.json", #"{"namesFile": "."}"#, "next to it"),
        ("environment.json", #"{"CLASS_MAP": {"99999999999": "a"}}"#, "out of range"),
        (
            "environment.json", #"{"PREPROCESSING": {"resize": {"width": 1099511627776, "height": 640}}}"#,
            "1099511627776"
        ),
        ("environment.json", #"{"PREPROCESSING": {"resize": {"width": 0, "height": 640}}}"#, "from 1 to 8192"),
        ("config.json", #"{"id2label": {"9223372036854775807": "a"}}"#, "config.json: class number"),
        ("preprocessor_config.json", #"{"size": {"shortest_edge": 0}}"#, "'shortest_edge' is 0"),
        ("preprocessor_config.json", #"{"size": {"shortest_edge": -5, "longest_edge": 7}}"#, "'shortest_edge' is -5"),
        ("preprocessor_config.json", #"{"size": {"shortest_edge": 1e30}}"#, "'shortest_edge' is 1e+30"),
        ("preprocessor_config.json", #"{"size": {"shortest_edge": 8, "longest_edge": 1048576}}"#, "'longest_edge'"),
        ("preprocessor_config.json", #"{"size_divisor": 4611686018427387904}"#, "'size_divisor'"),
        ("preprocessor_config.json", #"{"rescale_factor": 1e300}"#, "the scale is 0"),
        ("preprocessor_config.json", #"{"rescale_factor": 1e-300}"#, "the scale is inf"),
        ("preprocessor_config.json", #"{"image_std": [0, 1, 1]}"#, "standard deviation is 0"),
        ("pipeline.json", #"{"p": [{"type": "Pad", "size_divisor": 0}]}"#, "'size_divisor' is 0"),
        ("pipeline.json", #"{"p": [{"type": "Pad", "size_divisor": -32}]}"#, "'size_divisor' is -32"),
        (
            "detail.json", #"{"p": {"type": "Normalize", "mean": [0, 0, 0], "std": [1, 1, 0]}}"#,
            "standard deviation is 0"
        ),
        ("inference_config.json", #"{"network_input": {"scaling_factor": 0}}"#, "the scale is 0"),
        (
            "inference_config.json", #"{"network_input": {"training_input_size": {"width": -3, "height": 3}}}"#,
            "'width' is -3"
        ),
        (
            "inference_config.json", #"{"post_processing": {"nms_parameters": {"max_detections": -5}}}"#,
            "'max_detections' is -5"
        ),
        (
            "inference_config.json", #"{"post_processing": {"nms_parameters": {"confidence_threshold": 40}}}"#,
            "confidence threshold is 40"
        ),
        (
            "inference_config.json", #"{"post_processing": {"nms_parameters": {"iou_threshold": -1}}}"#,
            "overlap threshold"
        ),
    ])
    func whatIsOutOfBoundsIsRefusedWithTheFileAndTheValue(file: String, text: String, words: String) {
        #expect { try settings([file: text]) } throws: { error in
            error is SegmentationError && "\(error)".contains(words) && "\(error)".contains(file.prefix(5))
                && "\(error)".utf8.count < 400
        }
    }

    @Test func whatIsDeeplyNestedIsRefused() {
        let deep = String(repeating: "[", count: 200_000) + String(repeating: "]", count: 200_000)
        let objects = String(repeating: #"{"a":"#, count: 200_000) + "1" + String(repeating: "}", count: 200_000)
        for file in ["model.json", "environment.json", "pipeline.json"] {
            for text in [#"{"names": \#(deep)}"#, objects] {
                #expect(throws: SegmentationError.self) { try settings([file: text]) }
            }
        }
    }

    @Test func manyAndLongNamesAreRefused() throws {
        let many = String(repeating: "a\n", count: 70_000)
        #expect { try settings(["class_names.txt": many]) } throws: {
            "\($0)".contains("class_names.txt: class number 65536 is out of range")
        }
        #expect { try settings(["class_names.txt": String(repeating: "x", count: 2000)]) } throws: {
            "\($0)".contains("the name of class 0 has 2000 bytes; at most 1024")
        }
        let most = String(repeating: "a\n", count: 65_536)
        #expect(try settings(["class_names.txt": most]).names?.count == 65_536)
        #expect(try settings(["class_names.txt": String(repeating: "\n", count: 1_000_000)]).names == [:])
    }

    @Test func valuesAtTheBoundsAreAccepted() throws {
        let found = try settings([
            "model.json": """
            {"names": {"65535": "a"}, "inputSize": [8192, 1], "divisor": 1024, "std": [1e-6, 1e6, -1], "mean": [-1e6, 1e6, 0]}
            """
        ])
        #expect(found.names == [65_535: "a"] && found.inputSize == ImageSize(width: 1, height: 8192))
        let ignored = try settings(["config.json": #"{"id2label": {"-1": "nothing", "0": "a", "x": "b"}}"#])
        #expect(ignored.names == [0: "a"])
        #expect(try settings(["preprocessor_config.json": #"{"rescale_factor": 4}"#]).scale == 0.25)
    }

    @Test func onlyOrdinaryFilesOfLimitedSizeAreRead() throws {
        for name in ["model.json", "class_names.txt", "config.json", "environment.json", "detail.json"] {
            func refusal(_ make: (String) throws -> Void) throws -> String {
                let folder = try TestFiles.temporaryFolder()
                try make(folder.appending(path: name).path)
                do {
                    _ = try ModelSettings(filesIn: folder)
                    return ""
                } catch { return "\(error)" }
            }
            func link(to target: String) throws -> String {
                try refusal { try FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: target) }
            }
            let pipe = try refusal { #expect(mkfifo($0, 0o600) == 0) }
            #expect(pipe == "\(name) is a named pipe; expected an ordinary file.")
            #expect(try link(to: "/dev/zero") == "\(name) is a device; expected an ordinary file.")
            #expect(try link(to: "/no/such/file") == "\(name) is a link to a file that does not exist.")
            #expect(try link(to: name).hasPrefix("\(name) cannot be read"))
            let folder = try refusal {
                try FileManager.default.createDirectory(atPath: $0, withIntermediateDirectories: false)
            }
            #expect(folder == "\(name) is a folder; expected an ordinary file.")
            let large = try refusal { path in
                #expect(FileManager.default.createFile(atPath: path, contents: nil))
                #expect(truncate(path, 1 << 34) == 0)
            }
            #expect(large == "\(name) is too large: it has 17179869184 bytes; at most 4194304 are accepted.")
        }
    }

    /// Settings that no file can hold, but a program can.
    @Test func settingsOfAProgramAreHeldToTheSameBounds() {
        var cases: [ModelSettings] = []
        func add(_ change: (inout ModelSettings) -> Void) {
            var settings = ModelSettings()
            change(&settings)
            cases.append(settings)
        }
        add { $0.names = [.max: "a"] }
        add { $0.mean = [1] }
        add { $0.std = [.nan, 1, 1] }
        add { $0.scale = .nan }
        add { $0.divisor = 0 }
        add { $0.shortestEdge = .max }
        add { $0.inputSize = ImageSize(width: .max, height: 1) }
        add { $0.maxDetections = -1 }
        add { $0.confidence = .nan }
        add { $0.maskThreshold = .infinity }
        add { $0.background = .index(.min) }
        add { $0.steps = [.crop(left: .nan, top: 0, right: 1, bottom: 1)] }
        add { $0.steps = [.crop(left: 0.5, top: 0, right: 0.5, bottom: 1)] }
        for settings in cases {
            #expect(throws: SegmentationError.self) {
                try ModelFamily.model(for: .yolo(names: ["a"], coefficients: 1), settings: settings)
            }
        }
    }

    /// Whatever stands in the files, reading them ends with settings or with a reason, and settings that were read make a model or not.
    @Test func damagedFilesNeverEndTheProcess() throws {
        let files = [
            (
                "model.json",
                #"{"names": {"1": "p", "3": "c"}, "inputSize": [480, 640], "mean": [1, 2, 3], "std": [4, 5, 6], "divisor": 32}"#
            ),
            (
                "environment.json",
                #"{"PREPROCESSING": {"static-crop": {"enabled": true, "x_min": 25, "x_max": 75}, "resize": {"width": 640, "height": 480, "format": "Fit (white edges) in"}}, "CLASS_MAP": {"0": "x"}}"#
            ),
            (
                "inference_config.json",
                #"{"network_input": {"training_input_size": {"height": 432, "width": 432}, "resize_mode": "letterbox", "padding_value": 3, "scaling_factor": 255, "normalization": [[0.4, 0.4, 0.4], [0.2, 0.2, 0.2]]}, "post_processing": {"nms_parameters": {"max_detections": 300}}}"#
            ),
            (
                "preprocessor_config.json",
                #"{"size": {"shortest_edge": 800, "longest_edge": 1333}, "size_divisor": 32, "image_mean": [0.5, 0.5, 0.5], "rescale_factor": 0.0039}"#
            ),
            (
                "pipeline.json",
                #"{"p": [{"type": "Normalize", "mean": [1, 2, 3], "std": [1, 2, 3]}, {"type": "Pad", "size_divisor": 32, "pad_val": {"img": [114, 114]}}]}"#
            ),
        ]
        let pieces = [
            "0", "-1", "1e308", "-1e308", "1e-308", "9223372036854775807", "9223372036854775808",
            "-9223372036854775808",
            "4611686018427387904", "2147483647", "1048576", "8192", "8193", "null", "true", "[]", "{}", "\"\"", "0.5",
            "1e5",
        ]
        var random = SeededRandom(seed: 7)
        var (read, made) = (0, 0)
        for round in 0..<3000 {
            let (file, text) = files[round % files.count]
            var bytes = Array(text.utf8)
            // A number becomes another, or a byte does.
            let digits = bytes.indices.filter { (48...57).contains(bytes[$0]) }
            for _ in 0...Int.random(in: 0...2, using: &random) {
                guard let at = digits.randomElement(using: &random), at < bytes.count else { continue }
                if Bool.random(using: &random), let piece = pieces.randomElement(using: &random) {
                    var end = at
                    while end < bytes.count, (48...57).contains(bytes[end]) { end += 1 }
                    bytes.replaceSubrange(at..<end, with: Array(piece.utf8))
                } else {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 32...126, using: &random)
                }
            }
            let data = Data(bytes)
            let settings: ModelSettings
            do {
                if file == "model.json" {
                    settings = try ModelSettings(modelJSON: data).checked(file)
                } else {
                    guard let object = try JSONSerialization.jsonObject(with: data) as? [String: Any] else { continue }
                    settings =
                        switch file {
                        case "environment.json": try ModelSettings(environment: object, file: file)
                        case "inference_config.json": try ModelSettings(inferenceConfig: object, file: file)
                        case "preprocessor_config.json": try ModelSettings(preprocessorConfig: object, file: file)
                        default: try ModelSettings(mmdeploy: object, file: file)
                        }
                }
            } catch { continue }
            read += 1
            guard let model = try? ModelFamily.model(for: .yolo(names: ["a"], coefficients: 1), settings: settings)
            else { continue }
            made += 1
            for size in [ImageSize(width: 3, height: 900), ImageSize(width: 640, height: 480)] {
                let network = model.transform(for: size).networkSize
                #expect(3 * network.area <= ModelLimits.inputElements)
            }
        }
        #expect(read > 500 && made > 200, "most of what is read is not damaged beyond use: \(read), \(made)")
    }

    /// Hundreds of thousands of combining marks in a row take minutes to compare.
    @Test func textsOfCombiningMarksCostNoTime() throws {
        let marks = String(repeating: "\u{301}\u{327}", count: 500_000)
        let escaped = String(repeating: #"\u0301\u0327"#, count: 300_000)
        for text in [marks, escaped] {
            for (name, json) in [
                ("model.json", "{\"a\(text)\": 1}"), ("model.json", "{\"names\": [\"\(text)\"]}"),
                ("config.json", "{\"a\(text)\": 1, \"b"),
            ] {
                #expect { try settings([name: json]) } throws: { "\($0)".contains("at most 65536 are accepted") }
            }
        }
        #expect(try settings(["class_names.txt": "a\n" + marks]).names?[1]?.unicodeScalars.count == 30)
        // Texts of data sets: here keys decide nothing, and take no time.
        let keys = "{\"a\(marks)\": 1, \"a\(escaped)\": 2, \"a\": 3}"
        let value = try Array(keys.utf8).withUnsafeBytes { (bytes) throws -> JSONValue in
            try JSONReader.value(of: bytes)
        }
        guard case .object(let members) = value else {
            Issue.record("no object")
            return
        }
        #expect(members.count == 2)
    }

    @Test func aTextWithoutAnEndIsMeasured() {
        #expect { try settings(["model.json": "{\"" + String(repeating: "a", count: 70_000)]) } throws: {
            "\($0)".contains("a text of 70000 bytes")
        }
        #expect { try settings(["model.json": #"{"a\\": "b\"c"}"#]) } throws: {
            $0 is SegmentationError && !"\($0)".contains("has a text of")
        }
    }
}
