import Foundation
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Numbers that are not finite, and shapes that differ from what a file declares, in what networks answer.
@Suite(.timeLimit(.minutes(3))) struct NonFiniteTests {
    private static let image = RasterImage.gradient(width: 50, height: 40)
    private static let resolutions: [MaskResolution] = [.image, .coarse(0), .coarse(0.5)]

    private static func salt(_ name: String) -> UInt64 { name.utf8.reduce(0) { $0 &* 131 &+ UInt64($1) } }

    private func requireSound(_ found: Segmentation, _ network: StubNetwork) {
        let names = Set(found.detections.map(\.className))
        for detection in found.detections {
            #expect((0...1).contains(detection.confidence), "\(network): confidence \(detection.confidence)")
            let box = detection.box
            #expect(box == box.clipped(width: 50, height: 40) && box.isFinite, "\(network): \(box)")
            #expect(!detection.mask.isEmpty && detection.classID >= 0)
            #expect(
                detection.mask.hostedOutline(in: found.imageSize)?.points.allSatisfy { $0.x.isFinite && $0.y.isFinite }
                    == true)
        }
        // Drawing takes boxes, outlines and labels as they come.
        _ = Self.image.annotated(
            with: found.detections,
            by: [MaskAnnotator(), PolygonAnnotator(), BoxAnnotator(lineWidth: 2), LabelAnnotator()])
        #expect(names.count <= found.detections.count)
    }

    @Test(arguments: StubNetwork.all) func aSoundAnswerIsDecoded(network: StubNetwork) async throws {
        let segmenter = try network.segmenter { _, index in [0.9, 0.5, 20, 30][index % 4] }
        let found = try await segmenter.segment(Self.image, options: PredictionOptions(confidenceThreshold: 0))
        #expect(found.nonFiniteCount == 0)
        requireSound(found, network)
    }

    @Test(arguments: StubNetwork.all) func strangeNumbersNeverLeaveADecoder(network: StubNetwork) async throws {
        var dropped = 0
        for seed in 0..<36 as Range<UInt64> {
            let segmenter = try network.segmenter { output, index in
                var random = SeededRandom(seed: seed &* 1_000_003 &+ UInt64(index) &+ Self.salt(output))
                // Some answers are wild throughout, others only here and there.
                guard seed % 2 == 0 || UInt64.random(in: 0..<8, using: &random) == 0 else { return 0.9 }
                return Float.strange.randomElement(using: &random) ?? .nan
            }
            var options = PredictionOptions(confidenceThreshold: [0, 0.01, 0.4, 1][Int(seed % 4)], iouThreshold: 1)
            options.maskResolution = Self.resolutions[Int(seed % 3)]
            let found = try await segmenter.segment(Self.image, options: options)
            dropped += found.nonFiniteCount
            requireSound(found, network)
        }
        // Boxes of query families are those of their masks, and their confidences are probabilities.
        let isQuery = [.mask2former, .maskformer, .eomt].contains(network.settings.family)
        #expect(dropped > 0 || isQuery, "\(network)")
    }

    @Test(arguments: StubNetwork.all, Float.strange + [-.nan]) func oneNumberEverywhereIsNoReasonToFail(
        network: StubNetwork, value: Float
    ) async throws {
        let segmenter = try network.segmenter { _, _ in value }
        for confidence in [0, 0.5] as [Float] {
            let found = try await segmenter.segment(
                Self.image, options: PredictionOptions(confidenceThreshold: confidence))
            requireSound(found, network)
            if value.isNaN { #expect(found.detections.isEmpty && found.nonFiniteCount == 1) }
        }
    }

    /// What a graph answers may have other lengths than it declares.
    @Test(arguments: StubNetwork.all) func shapesThatDifferFromTheDeclaredOnesAreNeverTrusted(network: StubNetwork)
        async throws
    {
        var random = SeededRandom(seed: 11)
        let lengths = [0, 0, 1, 2, 3, 5, 7, 64, 1 << 26, 1 << 40, 1 << 62]
        var refused = 0
        for _ in 0..<150 {
            var outputs: [String: Tensor] = [:]
            for (name, declared) in network.shapes {
                var shape = declared
                for _ in 0..<Int.random(in: 0...2, using: &random) {
                    switch Int.random(in: 0..<6, using: &random) {
                    case 0: shape.append(Int.random(in: 0...2, using: &random))
                    case 1 where !shape.isEmpty: shape.removeLast()
                    default:
                        guard let at = shape.indices.randomElement(using: &random) else { continue }
                        shape[at] = lengths.randomElement(using: &random) ?? 0
                    }
                }
                // A network cannot answer what does not fit the memory.
                guard let count = Tensor.elementCount(of: shape), count <= 1 << 20 else { continue }
                outputs[name] = Tensor(shape: shape, elements: [Float](repeating: 0.9, count: count))
            }
            let answer = outputs
            do {
                let found = try await network.segmenter { answer }.segment(
                    Self.image, options: PredictionOptions(confidenceThreshold: 0.1))
                requireSound(found, network)
            } catch is SegmentationError { refused += 1 }
        }
        #expect(refused > 30)
    }

    @Test func masksOfAbsurdGridsAreRefusedOrDecoded() async throws {
        let network = try #require(StubNetwork.all.first { $0.description == "yolo" })
        func found(rows: Int, columns: Int) async throws -> Int {
            let boxes: [Float] = (0..<80).map { [32, 32, 40, 40, 0.9, 0.1, 1, 1][$0 / 10] }
            let outputs = [
                "output0": Tensor(shape: [1, 8, 10], elements: boxes),
                "output1": Tensor(
                    shape: [1, 2, rows, columns], elements: [Float](repeating: 1, count: 2 * rows * columns)),
            ]
            return try await network.segmenter { outputs }.segment(Self.image).detections.count
        }
        #expect(try await found(rows: 1, columns: 1) == 1)
        #expect(try await found(rows: 1, columns: 8192) == 1)
        for (rows, columns) in [(1, 100_000), (100_000, 1), (0, 16)] {
            await #expect { try await found(rows: rows, columns: columns) } throws: {
                "\($0)".contains("from 1 to 8192")
            }
        }
    }

    @Test func nothingIsTakenFromSidesOfMapsThatAreNone() async throws {
        let network = try #require(StubNetwork.all.first { $0.description == "maskrcnn" })
        let outputs = [
            "boxes": Tensor(shape: [0, 4], elements: []), "labels": Tensor(shape: [0], elements: []),
            "scores": Tensor(shape: [0], elements: []),
            "masks": Tensor(shape: [0, 1, 1 << 26, 1 << 26], elements: []),
        ]
        let found = try await network.segmenter { outputs }.segment(Self.image)
        #expect(found.detections.isEmpty && found.nonFiniteCount == 0)
    }

    @Test func aBoxWithoutWidthHasNoMask() async throws {
        let network = try #require(StubNetwork.all.first { $0.description == "detectron2" })
        let boxes: [Float] = [10.5, 4, 10.5, 20, 4, 10.5, 20, 10.5, 20, 20, 10, 10, 8, 8, 24, 24, 0, 0, 0, 0]
        let outputs = [
            "1": Tensor(shape: [5, 4], elements: boxes), "2": Tensor(shape: [5], elements: [0, 0, 0, 0, 0]),
            "3": Tensor(shape: [5, 1, 28, 28], elements: [Float](repeating: 1, count: 5 * 784)),
            "4": Tensor(shape: [5], elements: [0.9, 0.9, 0.9, 0.9, 0.9]), "5": Tensor(shape: [2], elements: [64, 64]),
        ]
        let found = try await network.segmenter { outputs }.segment(RasterImage.gradient(width: 64, height: 64))
        #expect(found.detections.map(\.box) == [BoundingBox(x1: 8, y1: 8, x2: 24, y2: 24)])
    }

    @Test func droppedObjectsAreCounted() async throws {
        let network = try #require(StubNetwork.all.first { $0.description == "yolo" })
        func segment(_ change: (inout [Float]) -> Void, tiling: Tiling? = nil) async throws -> Segmentation {
            var columns: [Float] = (0..<80).map { $0 % 10 == 0 ? [32, 32, 40, 40, 0.9, 0.1, 1, 1][$0 / 10] : 0 }
            change(&columns)
            let outputs = [
                "output0": Tensor(shape: [1, 8, 10], elements: columns),
                "output1": Tensor(shape: [1, 2, 16, 16], elements: [Float](repeating: 1, count: 512)),
            ]
            let segmenter = try network.segmenter { outputs }
            let image = RasterImage.gradient(width: 96, height: 64)
            guard let tiling else { return try await segmenter.segment(image) }
            return try await segmenter.segment(image, tiling: tiling)
        }
        let sound = try await segment { _ in }
        #expect(sound.detections.count == 1 && sound.nonFiniteCount == 0)
        for place in [0, 20, 40] {  // of the first anchor: x, width, confidence
            let found = try await segment { $0[place] = .infinity }
            #expect(found.detections.isEmpty && found.nonFiniteCount == 1)
        }
        let tiled = try await segment({ $0[40] = .infinity }, tiling: Tiling(side: 64))
        #expect(tiled.nonFiniteCount == 3)
        let both = try await segment { columns in
            for (row, value) in [32, 32, 40, 40, 0.1, Float.infinity, 1, 1].enumerated() {
                columns[10 * row + 3] = value
            }
        }
        #expect(both.detections.map(\.confidence) == [0.9] && both.nonFiniteCount == 1)
        #expect(try await segment { $0 = $0.map { _ in .nan } }.nonFiniteCount == 1)
        // What overflows nothing but has no sigmoid is held to 0...1.
        #expect(try await segment { $0[40] = 37.5 }.detections.map(\.confidence) == [1])
    }

    @Test func drawingLeavesOutWhatHasNoPlace() {
        let size = ImageSize(width: 50, height: 40)
        let mask = Mask(imageSize: size, top: 3, rows: [[Mask.Run(start: 2, end: 9)]])
        let numbers: [Double] = [.nan, .infinity, -.infinity, 1e30, -1e30, 1e300, 5]
        var detections: [Detection] = []
        for x in numbers {
            for confidence in [Float.nan, .infinity, -1, 37.5, 1e30] {
                detections.append(
                    Detection(
                        classID: -3, className: "a", confidence: confidence,
                        box: BoundingBox(x1: x, y1: 2, x2: -x, y2: x), mask: mask))
            }
        }
        let drawn = Self.image.annotated(
            with: detections, by: [MaskAnnotator(), PolygonAnnotator(), BoxAnnotator(lineWidth: 3), LabelAnnotator()])
        #expect(drawn.size == size)
    }
}
