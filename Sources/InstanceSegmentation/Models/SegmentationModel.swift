public import Imaging

/// A family of networks: preprocesses images for the network and decodes objects from its outputs.
///
/// Implementations are pure: they have no session and perform no input or output of their own.
public protocol SegmentationModel: Sendable {
    /// The family, as listed by `silhouette models`.
    var family: ModelFamily { get }
    /// Class names by class index.
    var classNames: [String] { get }
    /// The confidence threshold that the model's authors recommend, for requests that ask for the model's own.
    var recommendedConfidence: Float { get }
    /// The overlap threshold that the model's authors recommend; `nil` if it is not known.
    var recommendedIoU: Double? { get }
    /// Remarks for the operator, in sentences. For example, the model has more names than classes.
    var remarks: [String] { get }
    /// Whether images must be decoded at full size, because a reduced image would be preprocessed differently.
    var needsEveryPixel: Bool { get }
    /// Returns the placement of an image of the given size in the network's input.
    func transform(for imageSize: ImageSize) -> ImageTransform
    /// Returns the network's inputs for an image.
    func preprocess(_ image: RasterImage) throws -> ModelInput
    /// Decodes the objects in the network's outputs, most confident first.
    func postprocess(
        _ result: InferenceResult, transform: ImageTransform, options: PredictionOptions
    ) throws -> [Detection]
    /// Decodes the objects, and counts those that were dropped because their numbers are not finite.
    func decode(
        _ result: InferenceResult, transform: ImageTransform, options: PredictionOptions
    ) throws -> DecodedDetections
}

extension SegmentationModel {
    public var remarks: [String] { [] }

    public var needsEveryPixel: Bool { false }

    public func decode(
        _ result: InferenceResult, transform: ImageTransform, options: PredictionOptions
    ) throws -> DecodedDetections {
        DecodedDetections(detections: try postprocess(result, transform: transform, options: options))
    }
}

/// The objects that a model decoded from a network's outputs.
public struct DecodedDetections: Sendable {
    /// The detections, most confident first; all their numbers are finite.
    public let detections: [Detection]
    /// See `Segmentation.nonFiniteCount`.
    public let nonFiniteCount: Int

    public init(detections: [Detection], nonFiniteCount: Int = 0) {
        self.detections = detections
        self.nonFiniteCount = nonFiniteCount
    }
}

/// The input tensors of a network, and the placement of the image in them.
public struct ModelInput: Sendable {
    public let tensors: [String: Tensor]
    public let transform: ImageTransform

    public init(tensors: [String: Tensor], transform: ImageTransform) {
        self.tensors = tensors
        self.transform = transform
    }
}
