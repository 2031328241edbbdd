import Foundation
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

@Suite struct PythonLiteralTests {
    @Test(arguments: [
        ("{0: 'person', 1: \"d'Artagnan\", 2: 'x\\'y'}", ["person", "d'Artagnan", "x'y"]),
        ("['a', 'b',]", ["a", "b"]),
        ("{\"0\": \"z\\u00fcg\", \"1\": \"\\\\ \\x41\"}", ["züg", "\\ A"]),
    ])
    func namesAreRead(text: String, expected: [String]) throws {
        let configuration = try ModelConfiguration(metadata: ["names": text])
        #expect(try ClassMap(slots: expected.count, configuration).names == expected)
    }

    @Test func otherValuesAreRead() {
        // JSON writes what is beyond 16 bits as two units of UTF-16; one by itself is no character.
        for (text, name) in [
            (#""\ud83d\ude42""#, "🙂"), (#""a\uD83D\uDE42b""#, "a🙂b"), (#""\ud83d""#, "\u{FFFD}"),
            (#""\ude42x""#, "\u{FFFD}x"),
            (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\ud83d\n""#, "\u{FFFD}\n"), (#""\ud83d\ud83d\ude42""#, "\u{FFFD}🙂"),
            (#"'\U0001f642'"#, "🙂"), (#"'\U0000d83d'"#, "\u{FFFD}"), (#""\u00e9\xe9""#, "éé"),
            (#""\udbff\udfff""#, "\u{10FFFF}"),
        ] {
            #expect(PythonLiteral(parsing: text) == .string(name), "\(text)")
        }
        #expect(PythonLiteral(parsing: #""\ud83"#) == nil && PythonLiteral(parsing: #"'\U00110000'"#) == nil)
        #expect(PythonLiteral(parsing: "[640, 480]") == .list([.number(640), .number(480)]))
        #expect(
            PythonLiteral(parsing: " {'a': True, 'b': None, 'c': (-1.5, [])} ")
                == .dictionary([
                    (.string("a"), .boolean(true)), (.string("b"), PythonLiteral.none),
                    (.string("c"), .list([.number(-1.5), .list([])])),
                ]))
    }

    @Test(arguments: [
        "", "{", "{0: }", "{0 'a'}", "['a'", "'a", "'\\x4'", "[1,,2]", "{0: 'a'} x", "nan", "1e999", "[[[[", "\\",
    ])
    func whatIsMalformedIsRefused(text: String) {
        #expect(PythonLiteral(parsing: text) == nil)
    }

    @Test func deepNestingIsRefused() {
        #expect(PythonLiteral(parsing: String(repeating: "[", count: 100_000)) == nil)
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(PythonLiteral(parsing: deep) == nil)
    }

    @Test func randomTextNeverCrashes() {
        let alphabet = Array("{}[]()':\",\\xu0aTrueNone1.-+ \u{1F600}é")
        for _ in 0..<20_000 {
            let text = String((0..<Int.random(in: 0...24)).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
            _ = PythonLiteral(parsing: text)
        }
    }
}

@Suite struct ModelFamilyTests {
    @Test func missingNamesAreNumbers() throws {
        let model = try ModelFamily.model(
            for: ModelDescription(
                inputs: ModelDescription.yolo(names: ["a"], coefficients: 4).inputs,
                outputs: ModelDescription.yolo(names: ["a", "b", "c"], coefficients: 4).outputs,
                metadata: ["names": "{1: 'only'}"]))
        #expect(model.classNames == ["0", "only", "2"])
    }

    @Test func aFreeShapeGetsTheSmallestRectangleUnlessTheSquareIsAskedFor() throws {
        let description = ModelDescription.yolo(names: ["a"], coefficients: 4, imageSize: "[640, 640]")
        let photo = ImageSize(width: 1280, height: 720)
        let rectangle = try ModelFamily.model(for: description).transform(for: photo)
        #expect(rectangle.networkSize == ImageSize(width: 640, height: 384))
        #expect(rectangle.top == 12)
        let square = try ModelFamily.model(for: description, usesSquareInput: true).transform(for: photo)
        #expect(square.networkSize == ImageSize(width: 640, height: 640))
        #expect(square.top == 140)
    }

    /// What exporters leave of shapes and names, by the family that it must be taken for.
    @Test(arguments: [
        (
            [("dets", [nil, nil, nil]), ("labels", [nil, nil, 4]), ("masks", [nil, nil, nil, nil])],
            [Int?](arrayLiteral: nil, 3, 312, 312), ModelFamily.rfdetr
        ),
        (
            [("dets", [1, 100, 4]), ("labels", [1, 100, 91]), ("4245", [1, 100, 78, 78])], [1, 3, 312, 312], .rfdetr
        ),
        (
            [("3570", [nil, 4]), ("3571", [nil]), ("3572", [nil]), ("3573", [nil, 1, nil, nil])], [3, nil, nil],
            .maskRCNN
        ),
        (
            [("dets", [1, nil, 5]), ("labels", [1, nil]), ("masks", [1, nil, nil, nil])], [1, 3, 640, 640], .rtmdetIns
        ),
        ([("dets", [1, 100, 5]), ("labels", [1, 100]), ("masks", [1, 100, 28, 28])], [1, 3, nil, nil], .mmdeploy),
        ([("logits", [1, 100, 81]), ("pred_masks", [1, 100, 96, 96])], [1, 3, 384, 384], .mask2former),
        (
            [("output", [1, 25200, 117]), ("a", [1, 3, 80, 80, 117]), ("proto", [1, 32, 160, 160])], [1, 3, 640, 640],
            .yolov5
        ),
        ([("output0", [1, 116, 8400]), ("output1", [1, 32, 160, 160])], [1, 3, 640, 640], .yolo),
    ])
    func filesAreTakenForWhatTheyAre(outputs: [(String, [Int?])], input: [Int?], family: ModelFamily) throws {
        func tensor(_ name: String, _ shape: [Int?], _ type: TensorDescription.ElementType = .float32)
            -> TensorDescription
        {
            TensorDescription(
                name: name, elementType: type,
                shape: shape.map { $0.map(TensorDescription.Dimension.fixed) ?? .free("") })
        }
        let labels: Set = ["3571", "labels"]
        let model = try ModelFamily.model(
            for: ModelDescription(
                inputs: [tensor("image", input)],
                outputs: outputs.map {
                    tensor($0.0, $0.1, labels.contains($0.0) && $0.1.count < 3 ? .int64 : .float32)
                },
                metadata: [:]))
        #expect(model.family == family)
        if family == .rfdetr { #expect(model.classNames.count == (input[0] == nil ? 3 : 80)) }
    }

    @Test func anotherTaskIsRefusedByName() {
        let description = ModelDescription(inputs: [], outputs: [], metadata: ["task": "detect"])
        #expect { try ModelFamily.model(for: description) } throws: { "\($0)".contains("'detect'") }
    }

    @Test func anUnknownLayoutIsRefusedWithWhatWasFound() {
        let tensor = TensorDescription(name: "logits", elementType: .float32, shape: [.fixed(1), .fixed(1000)])
        let description = ModelDescription(inputs: [tensor], outputs: [tensor], metadata: [:])
        #expect { try ModelFamily.model(for: description) } throws: { error in
            "\(error)".contains("logits float32 [1, 1000]") && "\(error)".contains("YOLOv8")
        }
    }

    @Test func inputsThatCannotBeFedAreRefused() {
        let good = ModelDescription.yolo(names: ["a"], coefficients: 4)
        for shape in [
            [.fixed(400), .fixed(3), .fixed(64), .fixed(64)], [.fixed(1), .fixed(1), .fixed(64), .fixed(64)],
            [.fixed(3)],
        ]
            as [[TensorDescription.Dimension]]
        {
            let input = TensorDescription(name: "images", elementType: .float32, shape: shape)
            #expect(throws: SegmentationError.self) {
                try ModelFamily.model(
                    for: ModelDescription(inputs: [input], outputs: good.outputs, metadata: good.metadata))
            }
        }
    }
}

@Suite struct ModelDirectoryTests {
    private func folder(_ files: [String]) throws -> URL {
        let root = try TestFiles.temporaryFolder()
        for file in files {
            let url = root.appending(path: file)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data().write(to: url)
        }
        return root
    }

    @Test func modelsAreListedByDatasetAndVersion() throws {
        let root = try folder([
            "b/10/model.onnx", "b/9/model.onnx", "a/one/model.onnx", "a/2/other.bin", ".git/1/model.onnx",
        ])
        let found = try ModelDirectory(root).models()
        #expect(found.map(\.id.description) == ["a/one", "b/9", "b/10"])
    }

    @Test func datasetsWithReservedNamesAreLeftOutWithAWarning() throws {
        let names = ModelDirectory.reservedNames.sorted()
        let root = try folder(["a/1/model.onnx", "z/1/model.onnx"] + names.map { "\($0)/1/model.onnx" })
        var warnings: [String] = []
        let found = try ModelDirectory(root).models { warnings.append("\($0)") }
        #expect(found.map(\.id.description) == ["a/1", "z/1"])
        #expect(warnings.count == names.count)
        for name in names { #expect(warnings.contains { $0.contains("'\(name)' is reserved") }) }
        #expect(try ModelDirectory(folder(["infer/1/other.bin"])).models { Issue.record("\($0)") }.isEmpty)
    }

    @Test func aMissingFolderIsNamed() {
        #expect { try ModelDirectory(URL(filePath: "/no/such/folder")).models() } throws: {
            "\($0)".contains("/no/such/folder")
        }
    }

    @Test(arguments: ["a", "a/b/c", "/1", "a/", "../1", "a/.."]) func aMalformedNameIsNone(text: String) {
        #expect(ModelID(text) == nil)
    }
}
