import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Which name belongs to which slot, for each family's way of counting.
@Suite struct ClassNameTests {
    private func tensor(_ name: String, _ shape: [Int?]) -> TensorDescription {
        TensorDescription(
            name: name, elementType: name == "labels" && shape.count == 1 ? .int64 : .float32,
            shape: shape.map { $0.map(TensorDescription.Dimension.fixed) ?? .free("n") })
    }

    private func model(
        _ outputs: [(String, [Int?])], _ names: [Int: String]?, sparse: Bool = false, metadata: [String: String] = [:]
    ) throws -> any SegmentationModel {
        var settings = ModelSettings()
        settings.names = names
        settings.namesAreSparse = sparse
        return try ModelFamily.model(
            for: ModelDescription(
                inputs: [tensor("images", [1, 3, 64, 64])], outputs: outputs.map { tensor($0.0, $0.1) },
                metadata: metadata),
            settings: settings)
    }

    private func list(_ names: [String]) -> [Int: String] {
        Dictionary(uniqueKeysWithValues: names.enumerated().map { ($0.offset, $0.element) })
    }

    /// The names that an RF-DETR network of so many slots answers for each of its slots.
    private func rfdetr(_ slots: Int, _ names: [Int: String]?, sparse: Bool = false) throws -> [String] {
        let model = try model(
            [("dets", [1, slots, 4]), ("labels", [1, slots, slots]), ("masks", [1, slots, 16, 16])], names,
            sparse: sparse)
        var logits = [Float](repeating: -20, count: slots * slots)
        for slot in 0..<slots { logits[slot * slots + slot] = 5 - Float(slot) / 100 }
        let boxes = [Float](repeating: 0.5, count: 4 * slots)
        let result = InferenceResult(
            outputs: [
                "dets": Tensor(shape: [1, slots, 4], elements: boxes),
                "labels": Tensor(shape: [1, slots, slots], elements: logits),
                "masks": Tensor(
                    shape: [1, slots, 16, 16], elements: [Float](repeating: 1, count: slots * 256)),
            ], inferenceDuration: .zero)
        let found = try model.postprocess(
            result, transform: model.transform(for: ImageSize(width: 64, height: 64)), options: PredictionOptions())
        for detection in found { #expect(model.classNames[detection.classID] == detection.className) }
        // Of falling confidence, so that the order is that of the slots that are served.
        return found.map(\.className)
    }

    @Test func rfdetrsHeadsOfThreeGenerationsAreToldApartByTheirNames() throws {
        let marker = ModelConfiguration.roboflowBackground
        #expect(try rfdetr(3, list([marker, "cat", "dog"])) == ["cat", "dog"])
        #expect(try rfdetr(4, list([marker, "cat", "dog"])) == ["cat", "dog"])
        #expect(try rfdetr(3, list(["cat", "dog", marker])) == ["cat", "dog"])
        #expect(try rfdetr(3, list(["cat", marker, "dog"])) == ["cat", "dog"])
        #expect(try rfdetr(2, list(["cat", "dog"])) == ["cat", "dog"])
        #expect(try rfdetr(3, list(["cat", "dog"])) == ["cat", "dog"])
        #expect(try rfdetr(5, list(["cat", "dog"])) == ["cat", "dog"])
        #expect(try rfdetr(1, list(["cat"])) == ["cat"])
        #expect(try rfdetr(3, [1: "cat", 2: "dog"], sparse: true) == ["cat", "dog"])
        // Nothing is known: the last slot is that of "no object".
        #expect(try rfdetr(3, nil) == ["0", "1"])
        #expect(try rfdetr(2, list(["cat", "dog", "cow"])) == ["cat", "dog"])
    }

    @Test func aHeadOfCOCOsNumbersHasItsNamesWhetherTheyAreGivenOrNot() throws {
        let own = try rfdetr(91, nil)
        #expect(own.count == 80 && own[0] == "person" && own[11] == "stop sign" && own[79] == "toothbrush")
        #expect(try rfdetr(91, list(COCOCategories.contiguous)) == own)
        // As many names as slots: each line is a slot.
        let lines = (0..<91).map { COCOCategories.names[$0] ?? "unused \($0)" }
        #expect(try rfdetr(91, list(lines)) == lines)
    }

    @Test func aMismatchIsRemarked() throws {
        func remarks(_ slots: Int, _ names: [String]) throws -> Int {
            try model(
                [("dets", [1, 5, 4]), ("labels", [1, 5, slots]), ("masks", [1, 5, 16, 16])], list(names)
            ).remarks.count
        }
        #expect(try remarks(3, ["a", "b"]) == 0 && remarks(2, ["a", "b"]) == 0)
        #expect(try remarks(5, ["a", "b"]) == 1 && remarks(2, ["a", "b", "c"]) == 1)
        let columns: [(String, [Int?])] = [("output0", [1, 11, 84]), ("output1", [1, 4, 16, 16])]
        #expect(try model(columns, list(["a", "b", "c"])).remarks == [])
        let fewer = try model(columns, list(["a", "b"]))
        #expect(fewer.classNames == ["a", "b", "2"] && fewer.remarks.count == 1)
        #expect(fewer.remarks[0].contains("2 class names for 3 classes"))
        #expect(try model(columns, list(["a", "b", "c", "d"])).remarks.count == 1)
    }

    @Test(arguments: [
        (["__background__", "cat", "dog"], ["cat", "dog"]), (["background", "cat", "dog"], ["cat", "dog"]),
        (["cat", "dog"], ["cat", "dog"]),
    ])
    func torchvisionCountsFromOne(names: [String], expected: [String]) throws {
        let outputs: [(String, [Int?])] = [
            ("boxes", [nil, 4]), ("labels", [nil]), ("scores", [nil]), ("masks", [nil, 1, nil, nil]),
        ]
        let model = try model(outputs, list(names))
        #expect(model.classNames == expected)
        let result = InferenceResult(
            outputs: [
                "boxes": Tensor(shape: [3, 4], elements: [0, 0, 9, 9, 9, 9, 20, 20, 20, 20, 40, 40]),
                "labels": Tensor(shape: [3], elements: [1, 2, 3]),
                "scores": Tensor(shape: [3], elements: [0.9, 0.8, 0.7]),
                "masks": Tensor(shape: [3, 1, 64, 64], elements: [Float](repeating: 1, count: 3 * 4096)),
            ], inferenceDuration: .zero)
        let found = try model.postprocess(
            result, transform: model.transform(for: ImageSize(width: 64, height: 64)), options: PredictionOptions())
        #expect(found.map(\.className) == ["cat", "dog", "3"] && found.map(\.classID) == [0, 1, 2])
    }

    @Test func libreYOLOsMaskRCNNCountsFromZero() throws {
        let outputs: [(String, [Int?])] = [
            ("boxes", [nil, 4]), ("scores", [nil]), ("labels", [nil]), ("masks", [nil, 1, nil, nil]),
        ]
        let names = #"{"0": "cat", "1": "dog"}"#
        let model = try model(outputs, nil, metadata: ["libreyolo_version": "1.6.0", "names": names])
        #expect(model.family == .maskRCNN && model.classNames == ["cat", "dog"])
    }

    @Test func torchvisionsCOCOWeightsHaveGapsInTheirNumbers() throws {
        let outputs: [(String, [Int?])] = [
            ("boxes", [nil, 4]), ("labels", [nil]), ("scores", [nil]), ("masks", [nil, 1, nil, nil]),
        ]
        let model = try model(outputs, list(COCOCategories.contiguous))
        #expect(model.classNames.count == 80 && model.classNames[11] == "stop sign")
    }

    @Test func yolactsBackgroundIsNoClassWhetherItIsNamedOrNot() throws {
        let outputs: [(String, [Int?])] = [
            ("loc", [1, 6, 4]), ("conf", [1, 6, 3]), ("mask", [1, 6, 5]), ("priors", [6, 4]), ("proto", [1, 8, 8, 5]),
        ]
        #expect(try model(outputs, list(["background", "cat", "dog"])).classNames == ["cat", "dog"])
        #expect(try model(outputs, list(["cat", "dog"])).classNames == ["cat", "dog"])
    }
}
