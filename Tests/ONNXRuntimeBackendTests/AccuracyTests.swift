import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation
import ONNXRuntimeBackend
import TestSupport
import Testing

/// The accuracy that the models' own tools reach, within 0.3 points.
@Suite(.enabled(if: TestFiles.hasShared, "needs the models and pictures in ../shared"), .timeLimit(.minutes(10)))
struct AccuracyTests {
    @Test(arguments: [
        ("yolo11n-seg/1", [34.1, 52.9, 35.8, 14.9, 40.4, 55.4], [40.2, 55.9]),
        ("yolo11n-seg/2", [33.7, 52.6, 34.7, 15.8, 40.0, 55.4], [39.9, 54.7]),
        ("yolo11n-seg/3", [32.7, 51.6, 33.8, 14.2, 38.9, 54.4], [39.9, 54.6]),
        ("yolov8n-seg/1", [31.7, 50.5, 32.4, 13.4, 38.7, 51.7], [39.0, 53.4]),
    ])
    func accuracyIsThatOfTheReference(model: String, ofMasks: [Double], ofBoxes: [Double]) async throws {
        let folder = TestFiles.shared.appending(path: "data/coco-mini")
        let truth = try COCOAnnotations(contentsOf: folder.appending(path: "instances.json"))
        let file = TestFiles.shared.appending(path: "models/\(model)/model.onnx").path
        let segmenter = try Segmenter(
            session: try await ONNXRuntimeBackend().load(modelAt: URL(filePath: file), concurrency: 1))
        let categories = Dictionary(uniqueKeysWithValues: truth.categories.map { ($0.value, $0.key) })
        var candidates: [AveragePrecision.Candidate] = []
        for picture in truth.images {
            let bytes = try Data(contentsOf: folder.appending(path: "images/\(picture.fileName)"))
            let found = try await segmenter.segment(
                try RasterImage(decoding: [UInt8](bytes)),
                options: PredictionOptions(confidenceThreshold: 0.001, iouThreshold: 0.7))
            for detection in found.detections {
                let category = try #require(categories[detection.className])
                candidates.append(
                    AveragePrecision.Candidate(
                        imageID: picture.id, categoryID: category, confidence: Double(detection.confidence),
                        box: detection.box, mask: detection.mask))
            }
        }
        let mask = AveragePrecision(candidates, against: truth, shape: .mask).values
        let box = AveragePrecision(candidates, against: truth, shape: .box).values
        func points(_ values: [Double?]) -> [Double] { values.prefix(6).map { (($0 ?? 0) * 1000).rounded() / 10 } }
        print("accuracy \(model): masks \(points(mask)), boxes \(points(box))")
        for (found, expected) in zip(
            mask + box, ofMasks.map(Double?.some) + [nil, nil, nil, nil, nil, nil] + ofBoxes.map(Double?.some))
        {
            guard let expected else { continue }
            #expect(abs((found ?? 0) * 100 - expected) <= 0.3, "\(model): \((found ?? 0) * 100), expected \(expected)")
        }
    }
}
