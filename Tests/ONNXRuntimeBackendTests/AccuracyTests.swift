import Foundation
import Imaging
import InstanceSegmentation
import ONNXRuntimeBackend
import TestSupport
import Testing

/// The accuracy that the models' own tools reach, within 0.3 points.
@Suite(.enabled(if: TestFiles.hasShared, "needs the models and pictures in ../shared"), .timeLimit(.minutes(10)))
struct AccuracyTests {
    @Test(arguments: [
        ("yolo11n-seg/1", 34.1, 52.9, 40.2), ("yolo11n-seg/2", 33.7, 52.6, 39.9), ("yolov8n-seg/1", 31.7, 50.5, 39.0),
    ])
    func accuracyIsThatOfTheReference(model: String, maskAP: Double, maskAP50: Double, boxAP: Double) async throws {
        let folder = TestFiles.shared.appending(path: "data/coco-mini")
        let truth = try COCOAnnotations(contentsOf: folder.appending(path: "instances.json"))
        let file = TestFiles.shared.appending(path: "models/\(model)/model.onnx").path
        let segmenter = try Segmenter(session: try await ONNXRuntimeBackend().open(modelAt: file, lanes: 1)[0])
        let categories = Dictionary(uniqueKeysWithValues: truth.categories.map { ($0.value, $0.key) })
        var candidates: [AveragePrecision.Candidate] = []
        for picture in truth.pictures {
            let bytes = try Data(contentsOf: folder.appending(path: "images/\(picture.fileName)"))
            let found = try await segmenter.segment(
                try Image(decoding: [UInt8](bytes)), options: PredictionOptions(confidence: 0.001, overlap: 0.7))
            for detection in found.detections {
                let category = try #require(categories[detection.className])
                candidates.append(
                    AveragePrecision.Candidate(
                        pictureID: picture.id, categoryID: category, confidence: Double(detection.confidence),
                        box: detection.box, mask: detection.mask))
            }
        }
        let mask = AveragePrecision(candidates, against: truth, shape: .mask).values
        let box = AveragePrecision(candidates, against: truth, shape: .box).values
        print(
            "accuracy \(model): mask AP \((mask[0] ?? 0) * 100), AP50 \((mask[1] ?? 0) * 100), box AP \((box[0] ?? 0) * 100)"
        )
        #expect(abs((mask[0] ?? 0) * 100 - maskAP) <= 0.3)
        #expect(abs((mask[1] ?? 0) * 100 - maskAP50) <= 0.3)
        #expect(abs((box[0] ?? 0) * 100 - boxAP) <= 0.3)
    }
}
