import Foundation
import Imaging
import InstanceSegmentation
import ONNXRuntimeBackend
import TestSupport
import Testing

/// Tiny models in the layouts of LibreYOLO, dfine-seg and nitid, against what the tools' own predictors answer for one image. Scores come from
/// the means of the input, so that they are right only where the image was prepared as the tool does it. Models and answers are made by
/// scripts/make_detr_fixtures.py.
@Suite struct OwnPredictorTests {
    struct Answer: Decodable {
        let box: [Double]
        let score: Float
        let `class`: Int
        /// Run lengths of the mask, column by column.
        let counts: [Int]
    }

    private static let size = ImageSize(width: 101, height: 77)

    private func answers(_ name: String) throws -> [Answer] {
        let data = try Data(contentsOf: TestFiles.fixture("own-answers.json"))
        return try #require(try JSONDecoder().decode([String: [Answer]].self, from: data)[name])
    }

    private func segmenter(_ name: String, settings: ModelSettings = ModelSettings()) async throws -> Segmenter {
        let file = TestFiles.fixture("family-\(name).onnx").path
        let lane = try await ONNXRuntimeBackend().load(modelAt: URL(filePath: file), concurrency: 1)
        return try await Segmenter(trying: lane, settings: settings)
    }

    @Test(arguments: [
        ("libreyolo-ec", ModelFamily.ec), ("libreyolo-gtr", .ec), ("libreyolo-dfine", .dfine),
        ("libreyolo-rfdetr", .rfdetr), ("libreyolo-rfdetr-1.5", .rfdetr), ("libreyolo-mask-rcnn", .maskRCNN),
        ("libreyolo-yolo9", .yolo9), ("dfine-seg", .dfine), ("nitid", .dfine),
    ])
    func objectsAreThoseOfTheToolsOwnPredictor(name: String, family: ModelFamily) async throws {
        let segmenter = try await segmenter(name)
        #expect(segmenter.model.family == family)
        let image = TinyParityTests.picture(width: Self.size.width, height: Self.size.height, variant: 0)
        let found = try await segmenter.segment(
            image, options: PredictionOptions(confidenceThreshold: 0.1, iouThreshold: 0.7)
        )
        .detections
        // An object without a pixel is none here.
        let expected = try answers(name).filter { $0.counts.count > 1 }.sorted { $0.score > $1.score }
        #expect(found.count == expected.count && !expected.isEmpty)
        for (ours, theirs) in zip(found, expected) {
            #expect(ours.classID == theirs.class)
            #expect(abs(ours.confidence - theirs.score) < 5e-5, "\(ours.confidence) \(theirs.score)")
            for (a, b) in zip([ours.box.x1, ours.box.y1, ours.box.x2, ours.box.y2], theirs.box) {
                #expect(abs(a - b) < 1e-3, "\(ours.box) \(theirs.box)")
            }
            let mask = RunLengthEncoding(size: Self.size, counts: theirs.counts).mask
            #expect(ours.mask.iou(with: mask) > 0.99, "\(ours.mask.area) \(mask.area)")
        }
    }

    @Test func thresholdsOfTheirOwnAreThoseOfTheirPredictors() async throws {
        let own = [
            "libreyolo-ec": (Float(0.25), Double?.none), "libreyolo-rfdetr": (0.25, nil),
            "libreyolo-dfine": (0.25, nil),
            "libreyolo-mask-rcnn": (0.25, nil), "libreyolo-yolo9": (0.25, 0.45), "dfine-seg": (0.5, 0.7),
            "nitid": (0.5, nil),
        ]
        for (name, (confidence, overlap)) in own {
            let model = try await segmenter(name).model
            #expect(model.recommendedConfidence == confidence && model.recommendedIoU == overlap, "\(name)")
        }
    }

    /// Its queries tell neighbors apart: a request's smaller overlap would lose them.
    @Test func dfineSegsBoxesAreNotSuppressedBelowItsOwnOverlap() async throws {
        let image = TinyParityTests.picture(width: Self.size.width, height: Self.size.height, variant: 0)
        let segmenter = try await segmenter("dfine-seg")
        let strict = try await segmenter.segment(
            image, options: PredictionOptions(confidenceThreshold: 0.1, iouThreshold: 0))
        let own = try await segmenter.segment(
            image, options: PredictionOptions(confidenceThreshold: 0.1, iouThreshold: 0.7))
        #expect(strict.detections.map(\.box) == own.detections.map(\.box))
        let loose = try await segmenter.segment(
            image, options: PredictionOptions(confidenceThreshold: 0.1, iouThreshold: 1))
        #expect(loose.detections.count > own.detections.count)
    }
}
