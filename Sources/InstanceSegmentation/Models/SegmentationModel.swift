public import Imaging

/// The knowledge of one family of networks: how an image goes in and how objects come out.
///
/// A family is pure: it has no session and does no input or output of its own.
public protocol SegmentationModel: Sendable {
    /// The family, as `models` shows it.
    var family: ModelFamily { get }
    /// Names by class index.
    var classNames: [String] { get }
    /// The least confidence that the model's authors use, for who asks for the model's own.
    var recommendedConfidence: Float { get }
    /// The most overlap that goes with it; `nil` where nothing says one.
    var recommendedIoU: Double? { get }
    /// What an operator should know of the model, in sentences: that there are more names than classes, for example.
    var remarks: [String] { get }
    /// Whether images must be decoded in full: a smaller one of the same content would be prepared differently.
    var needsEveryPixel: Bool { get }
    /// Where an image of that size goes in the network's input.
    func transform(for imageSize: ImageSize) -> ImageTransform
    /// The network's inputs for an image.
    func preprocess(_ image: RasterImage) throws -> ModelInput
    /// The objects in the network's outputs, most confident first.
    func postprocess(
        _ result: InferenceResult, transform: ImageTransform, options: PredictionOptions
    ) throws -> [Detection]
    /// The same, with the number of objects that were dropped because their numbers are not finite.
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

/// What a model made of a network's outputs.
public struct DecodedDetections: Sendable {
    /// Most confident first; all numbers in them are finite.
    public let detections: [Detection]
    /// See `Segmentation.nonFiniteCount`.
    public let nonFiniteCount: Int

    public init(detections: [Detection], nonFiniteCount: Int = 0) {
        self.detections = detections
        self.nonFiniteCount = nonFiniteCount
    }
}

/// Tensors for a network, and where the image lies in them.
public struct ModelInput: Sendable {
    public let tensors: [String: Tensor]
    public let transform: ImageTransform

    public init(tensors: [String: Tensor], transform: ImageTransform) {
        self.tensors = tensors
        self.transform = transform
    }
}
