public import Imaging
public import InstanceSegmentation

/// The metadata of a model from its header and settings, read without loading the network.
public struct ModelMetadata: Sendable {
    /// The family that the header implies; `nil` if the header leaves it undetermined. In that case only loading the
    /// model, with a trial run, determines the family.
    public let recognition: Recognition?
    public let precision: InferencePrecision
    /// The network's inputs, such as `images float32 [1, 3, 640, 640]`.
    public let inputs: [String]
    /// The network's outputs.
    public let outputs: [String]

    /// The properties of a model that its header determines.
    public struct Recognition: Sendable {
        public let family: ModelFamily
        public let classNames: [String]
        /// The size that a square image is resized to, in pixels.
        public let inputSize: ImageSize
    }

    /// The class names, as far as the header contains them.
    public var classNames: [String] { recognition?.classNames ?? [] }

    /// Most inputs and outputs that are described.
    private static let maxTensors = 32

    /// Reads the header and the settings of a model. Blocks the thread.
    /// - Throws: what the backend throws, or `SegmentationError`.
    init(of location: ModelLocation, backend: any InferenceBackend) throws {
        let settings = try location.settings()
        let description = try backend.describe(modelAt: location.file)
        do {
            let model = try ModelFamily.model(for: description, settings: settings)
            recognition = Recognition(
                family: model.family, classNames: model.classNames,
                inputSize: model.transform(for: ImageSize(width: 640, height: 640)).networkSize)
        } catch {
            guard description.leavesOutputsFree else { throw error }
            recognition = nil
        }
        precision = description.precision
        inputs = description.inputs.prefix(Self.maxTensors).map(\.description)
        outputs = description.outputs.prefix(Self.maxTensors).map(\.description)
    }
}
