import Imaging
import Testing

@testable import InstanceSegmentation

/// The least overlap of dfine-seg, whose own predictor suppresses above 0.7 only.
@Suite struct LeastOverlapTests {
    /// Objects found among two whose boxes overlap by 0.5.
    private func count(iou: Double?, overlap: Double) throws -> Int {
        func tensor(_ name: String, _ shape: [Int]) -> TensorDescription {
            TensorDescription(name: name, elementType: .float32, shape: shape.map { .fixed($0) })
        }
        var settings = ModelSettings()
        settings.iou = iou
        let model = try ModelFamily.model(
            for: ModelDescription(
                inputs: [tensor("input", [1, 3, 64, 64])],
                outputs: [
                    tensor("labels", [1, 2]), tensor("boxes", [1, 2, 4]), tensor("scores", [1, 2]),
                    tensor("masks", [1, 2, 16, 16]),
                ], metadata: ["names": "['a']"]), settings: settings)
        let result = InferenceResult(
            outputs: [
                "labels": Tensor(shape: [1, 2], elements: [0, 0]),
                "boxes": Tensor(shape: [1, 2, 4], elements: [0, 0, 30, 30, 0, 10, 30, 40]),
                "scores": Tensor(shape: [1, 2], elements: [0.9, 0.8]),
                "masks": Tensor(shape: [1, 2, 16, 16], elements: [Float](repeating: 1, count: 512)),
            ], inferenceDuration: .zero)
        let transform = model.transform(for: ImageSize(width: 64, height: 64))
        return try model.decode(
            result, transform: transform, options: PredictionOptions(confidenceThreshold: 0.1, iouThreshold: overlap)
        ).detections.count
    }

    @Test func requestsDoNotAskForLess() throws {
        #expect(try count(iou: nil, overlap: 0.3) == 2)
    }

    @Test func theSettingsOfAModelMayAskForLess() throws {
        #expect(try count(iou: 0.4, overlap: 0.3) == 1)
        #expect(try count(iou: 0.4, overlap: 0.6) == 2)
    }

    /// A setting is the recommended value, which requests may go below.
    @Test func theSettingsOfAModelDoNotRaiseTheLeast() throws {
        #expect(try count(iou: 1, overlap: 0.3) == 2)
    }
}
