public import Imaging

/// The knowledge of one family of networks: how a picture goes in and how objects come out.
///
/// A family is pure: it has no session and does no input or output of its own.
public protocol SegmentationModel: Sendable {
    /// The family, as `models` shows it.
    var family: ModelFamily { get }
    /// Names by class index.
    var classNames: [String] { get }
    /// The least confidence that the model's authors use, for who asks for the model's own.
    var ownConfidence: Float { get }
    /// The most overlap that goes with it; `nil` where nothing says one.
    var ownOverlap: Double? { get }
    /// Where a picture of that size goes in the network's input.
    func transform(for imageSize: ImageSize) -> ImageTransform
    /// The network's inputs for a picture.
    func preprocess(_ image: Image) throws -> ModelInput
    /// The objects in the network's outputs, most confident first.
    func postprocess(
        _ result: InferenceResult, transform: ImageTransform, options: PredictionOptions
    ) throws -> [Detection]
}

/// Tensors for a network, and where the picture lies in them.
public struct ModelInput: Sendable {
    public let tensors: [String: Tensor]
    public let transform: ImageTransform

    public init(tensors: [String: Tensor], transform: ImageTransform) {
        self.tensors = tensors
        self.transform = transform
    }
}
