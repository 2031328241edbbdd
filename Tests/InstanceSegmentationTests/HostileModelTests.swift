import Foundation
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// What a model file says of itself, where following it would end the process, block it, or take its memory.
@Suite(.timeLimit(.minutes(1))) struct HostileModelTests {
    private func tensor(
        _ name: String, _ shape: [Int?], _ type: TensorDescription.ElementType = .float32
    ) -> TensorDescription {
        TensorDescription(
            name: name, elementType: type,
            shape: shape.map { $0.map(TensorDescription.Dimension.fixed) ?? .free("") })
    }

    private func refusal(
        input: [Int?] = [1, 3, 64, 64], outputs: [(String, [Int?])]? = nil, metadata: [String: String] = [:],
        settings: ModelSettings = ModelSettings()
    ) -> String {
        let good = ModelDescription.yolo(names: ["a"], coefficients: 4)
        let model = ModelDescription(
            inputs: [tensor("images", input)],
            outputs: outputs?.map { tensor($0.0, $0.1) } ?? good.outputs,
            metadata: good.metadata.merging(metadata) { $1 })
        do {
            _ = try ModelFamily.model(for: model, settings: settings)
            return ""
        } catch { return error is SegmentationError ? "\(error)" : "of another type: \(error)" }
    }

    @Test(arguments: [1 << 20, (1 << 31) - 1, 1 << 62, .max, 8193, -5, .min])
    func anInputOfAnAbsurdSideIsRefusedBeforeItIsMade(side: Int) {
        for shape in [
            [1, 3, side, side], [1, 3, 64, side], [1, 3, side, 64], [1, 3, nil, side], [1, side, side, 3],
            [3, side, side],
            [side, 3, 64, 64], [nil, 3, side, nil], [1, side, 64, 64],
        ] as [[Int?]] {
            #expect(
                refusal(input: shape).contains("'images' declares a dimension of \(side); at most 8192 is accepted"))
        }
    }

    @Test func anInputOfTooManyElementsIsRefused() throws {
        #expect(refusal(input: [1, 3, 8192, 8192]).contains("201326592 elements; at most 50331648 are accepted"))
        #expect(refusal(input: [64, 3, 1024, 1024]).contains("at most 50331648"))
        #expect(refusal(input: [1, 3, 4096, 4096]) == "" && refusal(input: [1, 3, 8192, 2048]) == "")
        // A size that comes from elsewhere than the graph.
        var settings = ModelSettings()
        settings.inputSize = ImageSize(width: 8192, height: 8192)
        #expect(
            refusal(input: [1, 3, nil, nil], settings: settings).contains(
                "1 x 3 x 8192 x 8192 it has 201326592 elements"))
        #expect(
            refusal(input: [16, 3, nil, nil], metadata: ["imgsz": "[2048, 2048]"]).contains("16 x 3 x 2048 x 2048"))
        (settings.inputSize, settings.resize) = (nil, ModelSettings.Resize.none)
        settings.longestEdge = 8192
        #expect(refusal(input: [1, 3, nil, nil], settings: settings).contains("8192 x 8192"))
        (settings.resize, settings.shortestEdge) = (.shortestEdge, 800)
        #expect(refusal(input: [1, 3, nil, nil], settings: settings) == "")
    }

    @Test func inputsOfOddRanksAreRefused() {
        #expect(refusal(input: []).contains("expected [batch, 3, height, width]"))
        let many = refusal(input: [Int?](repeating: 1, count: 500))
        #expect(many.contains("500 dimensions; at most 16") && many.utf8.count < 300)
    }

    /// Arithmetic with these overflows, and arrays of these sizes do not fit any memory.
    @Test(arguments: [1 << 28, 1 << 40, 1 << 62, .max, -1, .min])
    func outputsOfAbsurdShapesAreRefused(length: Int) {
        let layouts: [[(String, [Int?])]] = [
            [("output0", [1, 9, 84]), ("output1", [1, 4, 16, 16])],
            [("output0", [1, 300, 10]), ("output1", [1, 4, 16, 16])],
            [("dets", [1, 5, 4]), ("labels", [1, 5, 3]), ("masks", [1, 5, 16, 16])],
            [("dets", [1, 5, 5]), ("labels", [1, 5]), ("masks", [1, 5, 64, 64])],
            [("boxes", [5, 4]), ("labels", [5]), ("scores", [5]), ("masks", [5, 1, 64, 64])],
            [("class_queries_logits", [1, 5, 3]), ("masks_queries_logits", [1, 5, 16, 16])],
            [
                ("loc", [1, 6, 4]), ("conf", [1, 6, 3]), ("mask", [1, 6, 5]), ("priors", [6, 4]),
                ("proto", [1, 8, 8, 5]),
            ],
            [("c", [1, 2, 8, 8]), ("b", [1, 4, 8, 8]), ("k", [1, 169, 8, 8]), ("f", [1, 8, 8, 8])],
        ]
        for layout in layouts {
            for (index, output) in layout.enumerated() {
                for dimension in output.1.indices {
                    var changed = layout
                    changed[index].1[dimension] = length
                    let reason = refusal(outputs: changed)
                    #expect(reason.contains("'\(output.0)' declares a dimension of \(length)"), "\(reason)")
                }
            }
        }
        for family in ModelFamily.allCases {
            var settings = ModelSettings()
            settings.family = family
            let outputs: [(String, [Int?])] = [("output0", [1, length, 84]), ("output1", [1, length, 16, 16])]
            #expect(refusal(outputs: outputs, settings: settings).contains("declares a dimension"))
        }
    }

    @Test func outputsOfTooManyElementsOrSlotsAreRefused() {
        #expect(
            refusal(outputs: [("output0", [1, 1 << 20, 1 << 20]), ("output1", [1, 4, 16, 16])])
                .contains("declares 1099511627776 elements; at most 536870912 are accepted"))
        #expect(
            refusal(outputs: [("output0", [1, 70_008, 84]), ("output1", [1, 4, 16, 16])])
                .contains("70000 class slots; at most 65536 are accepted"))
        #expect(
            refusal(outputs: [("class_queries_logits", [1, 5, 1 << 24]), ("masks_queries_logits", [1, 5, 16, 16])])
                .contains("16777216 class slots"))
        let many = (0..<300).map { ("o\($0)", [1, 9, 84] as [Int?]) }
        #expect(refusal(outputs: many).contains("300 outputs; at most 256"))
        // A prototype output of no channels, or of a free number of them.
        #expect(refusal(outputs: [("output0", [1, 9, 84]), ("output1", [1, nil, 16, 16])]).contains("Looked for"))
    }

    @Test func reasonsStayShortWhateverTheNames() {
        let long = String(repeating: "n\n", count: 1_000_000)
        let reason = refusal(outputs: [(long, [1, 2]), (long + "b", [1])])
        #expect(reason.contains("n n n") && reason.utf8.count < 4000 && !reason.contains("\n"))
        #expect(refusal(metadata: ["task": long]).utf8.count < 400)
        #expect(refusal(metadata: ["names": long]).utf8.count < 400)
    }

    @Test(arguments: [
        (["names": #"{"9223372036854775807": "a"}"#], "9223372036854775807 is out of range; numbers from 0 to 65535"),
        (["names": #"{"99999999999": "a"}"#], "99999999999 is out of range"),
        (["names": "{9223372036854775807: 'a'}"], "out of range"), (["names": "{99999999999: 'a'}"], "out of range"),
        (["names": "{1e300: 'a'}"], "out of range"), (["names": "{'999999999999999999999': 'a'}"], "out of range"),
        (["names": "['\(String(repeating: "x", count: 1025))']"], "1025 bytes; at most 1024"),
        (["stride": "0"], "'stride' has 0; whole numbers from 1 to 1024"), (["stride": "-32"], "'stride' has -32"),
        (["stride": "4611686018427387904"], "'stride' has"), (["stride": "1e300"], "'stride' has 1e+300"),
        (["stride": "32.5"], "'stride' has 32.5"), (["imgsz": "[1048576, 640]"], "'imgsz' has 1048576"),
        (["imgsz": "[640, 0]"], "'imgsz' has 0"), (["imgsz": "-1"], "'imgsz' has -1"),
        (["imgsz": "[1e30, 1e30]"], "'imgsz' has 1e+30"), (["imgsz": "2147483647"], "'imgsz' has 2147483647"),
    ])
    func metadataOutOfBoundsIsRefused(metadata: [String: String], words: String) {
        for input in [[1, 3, 64, 64], [nil, 3, nil, nil]] as [[Int?]] {
            let reason = refusal(input: input, metadata: metadata)
            #expect(reason.contains(words) && reason.utf8.count < 400, "\(reason.prefix(500))")
        }
        // Families whose outputs do not tell the number of classes take it from the names.
        guard metadata["names"] != nil else { return }
        let rows: [(String, [Int?])] = [
            ("boxes", [nil, 4]), ("labels", [nil]), ("scores", [nil]), ("masks", [nil, 1, nil, nil]),
        ]
        #expect(refusal(outputs: rows, metadata: metadata).contains(words))
    }

    @Test func longMetadataIsRefused() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(refusal(metadata: ["names": deep]) == "", "what is not a list of names is foreign")
        let cases = [
            ("[" + String(repeating: "'a',", count: 70_000) + "]", "65536 is out of range"),
            ("[" + String(repeating: "'aaaa',", count: 1_000_000) + "]", "7000002 bytes; at most 4194304"),
        ]
        for (names, words) in cases {
            let reason = refusal(input: [nil, 3, nil, nil], metadata: ["names": names])
            #expect(reason.contains(words) && reason.utf8.count < 400, "\(reason.prefix(500))")
        }
    }

    @Test func metadataThatIsNotANumberIsLeftOut() throws {
        for value in ["nan", "1e400", "[8, 16, 32]", "'x'", "None", "[nan, 640]", ""] {
            #expect(refusal(metadata: ["stride": value, "imgsz": value]) == "")
        }
        #expect(refusal(metadata: ["names": "{-1: 'nothing', 0: 'a', 1.5: 'b'}"]) == "")
    }

    @Test(.timeLimit(.minutes(1))) func literalsOfManyValuesAreReadOrRefused() {
        let many = "[" + String(repeating: "[],", count: 1_000_000) + "]"
        #expect(PythonLiteral(parsing: many) != nil)
        #expect(PythonLiteral(parsing: String(repeating: "{'a':", count: 100_000)) == nil)
        #expect(PythonLiteral(parsing: String(repeating: "1", count: 4_000_000)) == nil)
        #expect(PythonLiteral(parsing: String(repeating: " ", count: 4 << 20) + "1") == nil, "longer than is accepted")
    }

    @Test func damagedLiteralsNeverEndTheProcess() {
        let texts = [
            "{0: 'person', 1: \"d'Artagnan\", 2: 'x\\'y'}", "[640, 480]",
            "{'batch': 1, 'nms': True, 'x': (-1.5, [None])}",
            "{\"0\": \"z\\u00fcg\", \"1\": \"\\\\ \\x41 \\U0001F600\"}",
        ]
        var random = SeededRandom(seed: 3)
        var parsed = 0
        for round in 0..<20_000 {
            var scalars = Array(texts[round % texts.count].unicodeScalars)
            for _ in 0...Int.random(in: 0...2, using: &random) {
                let at = Int.random(in: 0..<scalars.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: scalars.remove(at: at)
                case 1:
                    scalars.insert(
                        "{}[](),:'\"\\-+.e019x\u{0}\u{FFFD}".unicodeScalars.randomElement(using: &random) ?? "0", at: at
                    )
                default: scalars[at] = Unicode.Scalar(UInt8.random(in: 0...255, using: &random))
                }
            }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            guard let value = PythonLiteral(parsing: String(text)) else { continue }
            parsed += 1
            _ = value.integer
            _ = try? ModelConfiguration(
                metadata: ["names": String(text), "imgsz": String(text), "stride": String(text), "args": String(text)])
        }
        #expect(parsed > 1000)
    }
}
