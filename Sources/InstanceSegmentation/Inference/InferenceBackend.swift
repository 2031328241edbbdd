public import Foundation

/// A runtime that loads model files.
public protocol InferenceBackend: Sendable {
    /// Name and version, for example `ONNX Runtime 1.32.0`.
    var name: String { get }
    /// The precision in which networks of 32-bit floats run.
    var precision: InferencePrecision { get }
    /// Reads the description of a model from its file's header, without loading the network. May block on the file
    /// system.
    ///
    /// A dimension of an output that is dynamic in the file may have a fixed length in the description of the loaded
    /// model.
    ///
    /// - Throws: an error that names the file if it is missing, is not an ordinary file, or is not a model. Whether the
    ///   network can run is known only after `load`.
    func describe(modelAt url: URL) throws -> ModelDescription
    /// Loads a model on a thread that belongs to the backend. May take seconds.
    /// - Parameter concurrency: maximum number of inferences that run at once, at least 1.
    func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel
}

extension InferenceBackend {
    /// 32-bit floats.
    public var precision: InferencePrecision { .float32 }
}
