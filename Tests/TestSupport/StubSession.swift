public import InstanceSegmentation
import Synchronization

/// A session that does what a test says.
public final class StubSession: InferenceSession {
    public let modelDescription: ModelDescription
    private let answer: @Sendable ([String: Tensor]) async throws -> [String: Tensor]
    private let calls = Mutex(0)

    public init(
        model: ModelDescription = ModelDescription(inputs: [], outputs: [], metadata: [:]),
        answer: @escaping @Sendable ([String: Tensor]) async throws -> [String: Tensor]
    ) {
        self.modelDescription = model
        self.answer = answer
    }

    /// How often it was asked.
    public var callCount: Int { calls.withLock { $0 } }

    public func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        calls.withLock { $0 += 1 }
        return InferenceResult(outputs: try await answer(inputs), inferenceDuration: .milliseconds(1))
    }
}

extension ModelDescription {
    /// A network in YOLOv8's layout with a free input.
    public static func yolo(names: [String], coefficients: Int, imageSize: String = "[64, 64]") -> ModelDescription {
        let rows = 4 + names.count + coefficients
        return ModelDescription(
            inputs: [
                TensorDescription(
                    name: "images", elementType: .float32,
                    shape: [.free("batch"), .fixed(3), .free("height"), .free("width")])
            ],
            outputs: [
                TensorDescription(
                    name: "output0", elementType: .float32, shape: [.free("batch"), .fixed(rows), .free("anchors")]),
                TensorDescription(
                    name: "output1", elementType: .float32,
                    shape: [.free("batch"), .fixed(coefficients), .free("h"), .free("w")]),
            ],
            metadata: [
                "task": "segment", "imgsz": imageSize, "stride": "32",
                "names": "{" + names.enumerated().map { "\($0.offset): '\($0.element)'" }.joined(separator: ", ") + "}",
            ])
    }
}
