import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Models that are recognized by a run, because their files leave lengths free or declare them wrongly.
@Suite struct TrialRunTests {
    private func tensor(_ name: String, _ shape: [Int?]) -> TensorDescription {
        TensorDescription(
            name: name, elementType: .float32,
            shape: shape.map { $0.map(TensorDescription.Dimension.fixed) ?? .free("d") })
    }

    /// A network that answers tensors of these shapes, filled with zeros but for the given numbers.
    private func session(
        input: [Int?] = [nil, 3, nil, nil], declared: [(String, [Int?])],
        metadata: [String: String] = ["imgsz": "[64, 64]"],
        answer: @escaping @Sendable ([Int]) throws -> [String: Tensor]
    ) -> StubSession {
        StubSession(
            model: ModelDescription(
                inputs: [tensor("images", input)], outputs: declared.map { tensor($0.0, $0.1) }, metadata: metadata)
        ) { inputs in try answer(inputs["images"]?.shape ?? []) }
    }

    @Sendable private func tensor(_ shape: [Int], _ numbers: [Int: Float] = [:]) -> Tensor {
        var elements = [Float](repeating: 0, count: shape.reduce(1, *))
        for (index, number) in numbers { elements[index] = number }
        return Tensor(shape: shape, elements: elements)
    }

    private static func anchors(_ input: [Int]) -> Int {
        [8, 16, 32].reduce(0) { $0 + (input[2] / $1) * (input[3] / $1) }
    }

    @Test func columnsOfAFreeNumberAreToldByARun() async throws {
        let session = session(declared: [("output0", [nil, nil, nil]), ("output1", [nil, 4, nil, nil])]) { input in
            ["output0": tensor([1, 11, Self.anchors(input)]), "output1": tensor([1, 4, input[2] / 4, input[3] / 4])]
        }
        let segmenter = try await Segmenter(trying: session)
        #expect(segmenter.model.family == .yolo && segmenter.model.classNames == ["0", "1", "2"])
        let image = RasterImage(size: ImageSize(width: 128, height: 64), color: .black)
        #expect(segmenter.model.transform(for: image.size).networkSize == ImageSize(width: 64, height: 32))
        #expect(try await segmenter.segment(image).detections.isEmpty)
    }

    @Test func rowsOfAFreeNumberAreToldByARunWithoutNames() async throws {
        let session = session(
            declared: [("output0", [nil, nil, nil]), ("output1", [nil, nil, nil, nil])], metadata: ["stride": "32"]
        ) { input in
            [
                "output0": tensor([1, 3 * Self.anchors(input), 12]),
                "output1": tensor([1, 4, input[2] / 4, input[3] / 4]),
            ]
        }
        let model = try await Segmenter(trying: session).model
        #expect(model.family == .yolov5 && model.classNames == ["0", "1", "2"])
    }

    @Test func ofOneClassRowsAndReadyRowsAreToldApartByTheirNumber() async throws {
        for (count, family) in [(252, ModelFamily.yolov5), (100, .yoloEndToEnd), (300, .yoloEndToEnd)] {
            let session = session(
                input: [1, 3, 64, 64], declared: [("output0", [1, nil, nil]), ("output1", [1, 4, 16, 16])],
                metadata: [:]
            ) { _ in ["output0": tensor([1, count, 10]), "output1": tensor([1, 4, 16, 16])] }
            #expect(try await Segmenter(trying: session).model.family == family)
        }
    }

    @Test func aShapeThatIsDeclaredWronglyDoesNotCount() async throws {
        let session = session(
            input: [1, 3, 64, 64], declared: [("output0", [1, 300, 10]), ("output1", [1, 4, 16, 16])], metadata: [:]
        ) { _ in ["output0": tensor([1, 11, 84]), "output1": tensor([1, 4, 16, 16])] }
        #expect(try await Segmenter(trying: session).model.family == .yolo)
    }

    @Test(arguments: [[1, 39, 84], [1, 84, 39], [1, 116, 84], [1, 84, 116]], [true, false])
    func prototypesWithTheChannelLastAreRefusedByName(boxes: [Int], isDeclared: Bool) async throws {
        let prototypes = [1, 16, 16, 32]
        let session = session(
            input: isDeclared ? [1, 64, 64, 3] : [nil, nil, nil, 3],
            declared: [
                ("output0", isDeclared ? boxes : [nil, nil, nil]),
                ("output1", isDeclared ? prototypes : [nil, nil, nil, nil]),
            ]
        ) { _ in ["output0": tensor(boxes), "output1": tensor(prototypes)] }
        let error = await #expect(throws: SegmentationError.self) { try await Segmenter(trying: session) }
        #expect(error.map { "\($0)".contains("with the channel last") } == true)
    }

    @Test func prototypesAsWideAsTheyAreManyAreNoChannelLast() async throws {
        for (side, count) in [(64, 16), (128, 32), (256, 32)] {
            let cells = [8, 16, 32].reduce(0) { $0 + (side / $1) * (side / $1) }
            let (boxes, prototypes) = ([1, 7 + count, cells], [1, count, side / 4, side / 4])
            let session = session(
                input: [1, 3, side, side], declared: [("output0", boxes), ("output1", prototypes)], metadata: [:]
            ) { _ in ["output0": tensor(boxes), "output1": tensor(prototypes)] }
            #expect(try await Segmenter(trying: session).model.classNames.count == 3)
        }
    }

    @Test func aNetworkThatRunsOnlyInTheSquareGetsTheSquare() async throws {
        struct WrongSize: Error {}
        let session = session(declared: [("output0", [nil, 11, nil]), ("output1", [nil, 4, nil, nil])]) { input in
            guard input[2] == input[3] else { throw WrongSize() }
            return ["output0": tensor([1, 11, 84]), "output1": tensor([1, 4, 16, 16])]
        }
        let model = try await Segmenter(trying: session).model
        #expect(model.transform(for: ImageSize(width: 128, height: 64)).networkSize == ImageSize(width: 64, height: 64))
    }

    @Test func aNetworkThatFailsOrThatCannotBeDecodedIsRefused() async throws {
        struct Broken: Error {}
        let failing = session(declared: [("output0", [nil, 11, nil]), ("output1", [nil, 4, nil, nil])]) { _ in
            throw Broken()
        }
        await #expect(throws: Broken.self) { try await Segmenter(trying: failing) }
        // Recognized by what is declared, and not by what it answers.
        let changing = session(declared: [("output0", [nil, 11, nil]), ("output1", [nil, 4, nil, nil])]) { _ in
            ["output0": tensor([1, 7, 84]), "output1": tensor([1, 4, 16])]
        }
        await #expect(throws: SegmentationError.self) { try await Segmenter(trying: changing) }
        let other = session(input: [1, 3, 64, 64], declared: [("logits", [1, nil])], metadata: ["task": "classify"]) {
            _ in
            ["logits": tensor([1, 1000])]
        }
        do {
            _ = try await Segmenter(trying: other)
            Issue.record("a classifier is refused")
        } catch { #expect("\(error)".contains("'classify'") && "\(error)".contains("[1, 1000]")) }
    }

    @Test func foreignTasksAndNamesDoNotRefuseAModelWithMasks() async throws {
        for (metadata, remarks) in [
            (["task": "instance-segmentation", "names": "None"], 1), (["names": ""], 1), (["names": "[]"], 1),
            (["names": "{}"], 1), (["task": "seg", "names": "person;car"], 2), (["names": "42"], 2),
        ] {
            let session = session(
                input: [1, 3, 64, 64], declared: [("output0", [1, 11, 84]), ("output1", [1, 4, 16, 16])],
                metadata: metadata
            ) { _ in
                [
                    "output0": tensor([1, 11, 84], [5: 32, 89: 32, 173: 40, 257: 40, 425: 0.9, 593: 1]),
                    "output1": Tensor(shape: [1, 4, 16, 16], elements: [Float](repeating: 1, count: 1024)),
                ]
            }
            let segmenter = try await Segmenter(trying: session)
            let found = try await segmenter.segment(RasterImage(size: ImageSize(width: 64, height: 64), color: .black))
            #expect(found.detections.map(\.className) == ["1"], "\(metadata)")
            #expect(segmenter.model.remarks.count == remarks, "\(metadata)")
        }
    }

    @Test func classesOfReadyRowsBeyondTheNamesAreNumbered() async throws {
        for (names, expected) in [(nil, ["1", "7"]), ("['a', 'b', 'c']", ["b", "7"]), ("{1: 'b'}", ["b", "7"])] {
            let session = session(
                input: [1, 3, 64, 64], declared: [("output0", [1, 300, 10]), ("output1", [1, 4, 16, 16])],
                metadata: names.map { ["names": $0] } ?? [:]
            ) { _ in
                var numbers: [Int: Float] = [:]
                for (k, row) in [[0, 0, 30, 30, 0.9, 1, 1], [30, 30, 64, 64, 0.8, 7, 1]].enumerated() {
                    for (i, number) in row.enumerated() { numbers[10 * k + i] = Float(number) }
                }
                return [
                    "output0": tensor([1, 300, 10], numbers),
                    "output1": Tensor(shape: [1, 4, 16, 16], elements: [Float](repeating: 1, count: 1024)),
                ]
            }
            let found = try await Segmenter(trying: session).segment(
                RasterImage(size: ImageSize(width: 64, height: 64), color: .black)
            ).detections
            #expect(found.map(\.className) == expected, "\(names ?? "none")")
            #expect(Set(found.map(\.classID)).count == 2)
        }
    }
}
