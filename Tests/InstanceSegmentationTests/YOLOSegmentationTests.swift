import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// The worked example of the wire's contract: a 16 x 16 input, 4 x 4 prototypes, an image of 24 x 16, stretched.
@Suite struct YOLOSegmentationTests {
    static let description = ModelDescription.yolo(names: ["A", "B"], coefficients: 2, imageSize: "[16, 16]")
    static let transform = ResizeMode.stretch.transform(
        imageSize: ImageSize(width: 24, height: 16), networkSize: ImageSize(width: 16, height: 16))

    /// Columns a, b, c, d: center, size, two scores, two coefficients.
    static let columns: [[Float]] = [
        [8, 8, 10, 10, 0.90, 0.05, 1, 1], [9, 8, 10, 10, 0.80, 0.10, 1, 1], [8, 8.5, 10, 10, 0.10, 0.70, 1, 0],
        [3, 3, 4, 4, 0.39, 0, 1, 0],
    ]

    static func result(_ columns: [[Float]] = columns) -> InferenceResult {
        let rows = (0..<8).flatMap { row in columns.map { $0[row] } }
        let first: [Float] = [-3, -3, -3, -3, -3, 3, 3, -3, -3, 3, 3, 3, -3, -3, 3, 3]
        let second: [Float] = [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0]
        return InferenceResult(
            outputs: [
                "output0": Tensor(shape: [1, 8, columns.count], elements: rows),
                "output1": Tensor(shape: [1, 2, 4, 4], elements: first + second),
            ], inferenceDuration: .zero)
    }

    private func detections(_ options: PredictionOptions = PredictionOptions(), _ result: InferenceResult = result())
        throws
        -> [Detection]
    {
        try ModelFamily.model(for: Self.description).postprocess(result, transform: Self.transform, options: options)
    }

    @Test func theWeakAndTheOverlappedGo() throws {
        let found = try detections()
        #expect(found.map(\.className) == ["A", "B"])
        #expect(found.map(\.confidence) == [0.9, 0.7])
        #expect(found[0].box == BoundingBox(x1: 4.5, y1: 3, x2: 19.5, y2: 13))
        #expect(found[0].box.rounded == BoundingBox(x1: 4, y1: 3, x2: 20, y2: 13))
        #expect(found[1].box.rounded == BoundingBox(x1: 4, y1: 4, x2: 20, y2: 14))
    }

    @Test func masksAndOutlinesAreThoseOfTheContract() throws {
        let found = try detections()
        #expect(found[0].mask.area == 114)
        #expect(RunLengthEncoding(found[0].mask).compressedCounts == "U3692O00001O000000000001O1O1Oi1")
        #expect(
            found[0].mask.hostedOutline?.points.map { [$0.x, $0.y] } == [
                [7, 4], [6, 5], [6, 10], [7, 11], [9, 11], [10, 12], [19, 12], [19, 7], [16, 4],
            ])
        #expect(found[1].mask.area == 118)
        #expect(
            found[1].mask.hostedOutline?.points.map { [$0.x, $0.y] } == [
                [8, 4], [7, 5], [6, 5], [6, 10], [7, 10], [8, 11], [9, 11], [10, 12], [11, 12], [12, 13], [19, 13],
                [19, 7], [18, 7], [17, 6], [17, 5], [16, 5], [15, 4],
            ])
    }

    @Test func coarseMasksAreDecidedAtTheNetworksCells() throws {
        let imageSize = ImageSize(width: 24, height: 16)
        let fast = try detections(PredictionOptions(maskResolution: .coarse(0)))
        #expect(fast[0].mask.imageSize == ImageSize(width: 4, height: 4))
        #expect(fast[0].box == BoundingBox(x1: 4.5, y1: 3, x2: 19.5, y2: 13), "boxes do not depend on masks")
        #expect(
            fast[0].mask.hostedOutline(in: imageSize)?.points.map { [$0.x, $0.y] } == [
                [6, 4], [6, 8], [12, 12], [18, 12], [18, 8], [12, 4],
            ])
        let between = try detections(PredictionOptions(maskResolution: .coarse(0.5)))
        #expect(between[0].mask.imageSize == ImageSize(width: 14, height: 10))
        let fine = try detections(PredictionOptions(maskResolution: .coarse(1)))
        #expect(fine[0].mask == (try detections())[0].mask)
    }

    @Test func suppressionOverAllClassesLeavesOne() throws {
        #expect(try detections(PredictionOptions(isClassAgnostic: true)).map(\.className) == ["A"])
    }

    @Test func aScoreAtTheThresholdIsKept() throws {
        #expect(try detections(PredictionOptions(confidenceThreshold: 0.7)).count == 2)
        #expect(try detections(PredictionOptions(confidenceThreshold: 0.7001)).count == 1)
    }

    @Test func anObjectWithoutPixelsIsDropped() throws {
        // Column d is above this threshold, but all logits inside its box are negative.
        #expect(try detections(PredictionOptions(confidenceThreshold: 0.1)).count == 2)
    }

    @Test func theClassFilterComesLastAndMakesNoRoom() throws {
        #expect(try detections(PredictionOptions(classes: ["B"])).map(\.className) == ["B"])
        #expect(try detections(PredictionOptions(maxDetections: 1, classes: ["B"])).isEmpty)
        #expect(try detections(PredictionOptions(classes: ["nothing"])).isEmpty)
    }

    @Test func numbersThatAreNoneAreNeverKept() throws {
        let strange: [[Float]] = [
            [8, 8, 10, 10, .nan, .nan, 1, 1], [.nan, 8, 10, 10, 0.9, 0, 1, 1], [8, .infinity, 10, 10, 0.9, 0, 1, 1],
            [8, 8, 10, 10, 0.9, 0, .nan, 1], [8, 8, -10, 10, 0.9, 0, 1, 1], [900, 900, 10, 10, 0.9, 0, 1, 1],
        ]
        #expect(try detections(PredictionOptions(iouThreshold: 1), Self.result(strange)).isEmpty)
    }

    @Test func outputsOfAnotherShapeAreAnError() throws {
        let model = try ModelFamily.model(for: Self.description)
        let wrong = InferenceResult(
            outputs: [
                "output0": Tensor(shape: [1, 7, 1], elements: [Float](repeating: 0, count: 7)),
                "output1": Tensor(shape: [1, 2, 1, 1], elements: [0, 0]),
            ], inferenceDuration: .zero)
        #expect(throws: SegmentationError.self) {
            try model.postprocess(wrong, transform: Self.transform, options: PredictionOptions())
        }
        #expect(throws: SegmentationError.self) {
            try model.postprocess(
                InferenceResult(outputs: [:], inferenceDuration: .zero), transform: Self.transform,
                options: PredictionOptions())
        }
    }

    /// Against the definition, pixel by pixel: every row of a mask decided by whole stretches must be what sampling gives.
    @Test func masksAreWhatSamplingEveryPixelGives() throws {
        var seed: UInt64 = 1
        func random() -> Float {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(seed >> 40) / Float(1 << 23) - 1
        }
        for (width, height) in [(97, 61), (640, 480), (33, 200), (5, 5)] {
            let image = ImageSize(width: width, height: height)
            let transform = ResizeMode.letterbox.transform(
                imageSize: image, networkSize: ImageSize(width: 64, height: 64))
            let (rows, columns, count) = (16, 16, 3)
            let elements = (0..<count * rows * columns).map { _ in random() }
            let masks = try PrototypeMasks(
                Tensor(shape: [1, count, rows, columns], elements: elements), transform: transform)
            for _ in 0..<8 {
                let coefficients = (0..<count).map { _ in random() * 3 }
                let (x1, y1) = (Double(random() + 1) / 2 * Double(width), Double(random() + 1) / 2 * Double(height))
                let box = BoundingBox(
                    x1: x1, y1: y1, x2: x1 + Double(random() + 1) * Double(width),
                    y2: y1 + Double(random() + 1) * Double(height)
                ).clipped(width: Double(width), height: Double(height))
                let mask = masks.mask(coefficients: coefficients, box: box)
                var different = 0
                for y in 0..<height {
                    for x in 0..<width {
                        let inside =
                            box.x1 <= Double(x) && Double(x) < box.x2 && box.y1 <= Double(y) && Double(y) < box.y2
                        let u = min(
                            max(((Double(x) + 0.5) * transform.scaleX + Double(transform.left)) / 4 - 0.5, 0), 15)
                        let v = min(
                            max(((Double(y) + 0.5) * transform.scaleY + Double(transform.top)) / 4 - 0.5, 0), 15)
                        func logit(_ row: Int, _ column: Int) -> Double {
                            (0..<count).reduce(0.0) { sum, k in
                                sum + Double(coefficients[k])
                                    * Double(elements[(k * rows + min(row, 15)) * columns + min(column, 15)])
                            }
                        }
                        let (i, j) = (Int(v), Int(u))
                        let (fy, fx) = (v - Double(i), u - Double(j))
                        let upper = logit(i, j) * (1 - fx) + logit(i, j + 1) * fx
                        let lower = logit(i + 1, j) * (1 - fx) + logit(i + 1, j + 1) * fx
                        let value = upper * (1 - fy) + lower * fy
                        if mask.contains(x: x, y: y) != (inside && value > 0) && abs(value) > 1e-5 { different += 1 }
                    }
                }
                #expect(different == 0)
            }
        }
    }
}
