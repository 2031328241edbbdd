/// A loaded network that can be run.
public protocol InferenceSession: Sendable {
    var modelDescription: ModelDescription { get }
    /// Runs the network.
    /// - Parameter inputs: a tensor for each of the model's inputs, by name.
    func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult
}

/// The outputs of a network, and the time that the inference took.
public struct InferenceResult: Sendable {
    /// Output tensors by name.
    public let outputs: [String: Tensor]
    /// Time spent in the queue.
    public var queueDuration: Duration
    /// Time spent in the network itself.
    public let inferenceDuration: Duration

    public init(outputs: [String: Tensor], queueDuration: Duration = .zero, inferenceDuration: Duration) {
        self.outputs = outputs
        self.queueDuration = queueDuration
        self.inferenceDuration = inferenceDuration
    }

    /// The output of that name.
    func output(_ name: String) throws -> Tensor {
        guard let tensor = outputs[name] else {
            throw SegmentationError.missingOutput(name, available: Array(outputs.keys))
        }
        return tensor
    }
}
