public import Foundation

/// A runtime that loads model files.
public protocol InferenceBackend: Sendable {
    /// For example `ONNX Runtime 1.32.0`.
    var name: String { get }
    /// The precision in which networks of 32-bit floats run.
    var precision: InferencePrecision { get }
    /// Reads what a model file says of itself, from its header, without loading the network. May block on the file
    /// system.
    ///
    /// A dimension of an output that the file leaves free may have a length in the description of the loaded model.
    ///
    /// - Throws: an error that names the file if it is missing, is not an ordinary file, or is not a model. Whether the
    ///   network can run is known only after `load`.
    func describe(modelAt url: URL) throws -> ModelDescription
    /// Loads a model on a thread of the backend's own. May take seconds.
    /// - Parameter concurrency: most inferences that run at a time, at least 1.
    func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel
}

extension InferenceBackend {
    /// 32-bit floats.
    public var precision: InferencePrecision { .float32 }
}
