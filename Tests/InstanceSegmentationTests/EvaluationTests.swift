import Foundation
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Against pycocotools 2.0.11 on made-up annotations and detections (scripts/make_evaluation_fixture.py).
@Suite struct EvaluationTests {
    private struct Fixture: Decodable {
        struct Runs: Decodable {
            let size: [Int]
            let counts: String
        }
        struct Annotation: Decodable {
            let runs: String
        }
        struct Detection: Decodable {
            let image_id: Int
            let category_id: Int
            let score: Double
            let bbox: [Double]
            let segmentation: Runs
        }
        let annotations: [Annotation]
        let detections: [Detection]
        let results: [String: [Double]]
    }

    private let fixture: Fixture
    private let truth: COCOAnnotations

    init() throws {
        let file = TestFiles.fixture("evaluation.json")
        fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file))
        truth = try COCOAnnotations(contentsOf: file)
    }

    @Test func ringsAreFilledAsCOCOFillsThem() throws {
        #expect(truth.objects.count == fixture.annotations.count)
        for (object, annotation) in zip(truth.objects, fixture.annotations) {
            let mask = try #require(object.mask)
            #expect(RunLengthEncoding(mask).compressedCounts == annotation.runs)
            #expect(Double(mask.area) == object.area)
        }
    }

    @Test(arguments: AveragePrecision.Shape.allCases) func theTwelveNumbersAreThoseOfCOCO(shape: AveragePrecision.Shape)
        throws
    {
        let candidates = try fixture.detections.map { detection in
            let size = ImageSize(width: detection.segmentation.size[1], height: detection.segmentation.size[0])
            let runs = try #require(RunLengthEncoding(size: size, compressedCounts: detection.segmentation.counts))
            let b = detection.bbox
            return AveragePrecision.Candidate(
                imageID: detection.image_id, categoryID: detection.category_id, confidence: detection.score,
                box: BoundingBox(x1: b[0], y1: b[1], x2: b[0] + b[2], y2: b[1] + b[3]), mask: runs.mask)
        }
        let precision = AveragePrecision(candidates, against: truth, shape: shape)
        let expected = try #require(fixture.results[shape.rawValue])
        #expect(expected.count == 12)
        for (name, (ours, theirs)) in zip(AveragePrecision.names, zip(precision.values, expected)) {
            #expect(abs((ours ?? -1) - theirs) < 1e-6, "\(name): \(ours ?? -1), expected \(theirs)")
        }
        #expect(Set(precision.byCategory.keys) == [1, 2, 3])
    }

    @Test func nothingFoundIsZeroAndNothingToFindIsNoNumber() throws {
        let none = AveragePrecision([], against: truth, shape: .mask)
        #expect(none.values[0] == 0)
        #expect(none.values[5] == nil)
    }

    @Test func whatIsNoAnnotationFileIsExplained() throws {
        #expect { try COCOAnnotations(contentsOf: TestFiles.fixture("bright.onnx")) } throws: {
            "\($0)".contains("bright.onnx is not a file of COCO annotations")
        }
    }
}
