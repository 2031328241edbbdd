/// A runtime that opens model files.
public protocol InferenceBackend: Sendable {
    /// For example `ONNX Runtime 1.32.0`.
    var name: String { get }
    /// Opens a model and gives as many lanes as asked for: sessions that share the loaded network and can run at the
    /// same time. Each runs one inference at a time.
    func open(modelAt path: String, lanes: Int) async throws -> [any InferenceSession]
}
