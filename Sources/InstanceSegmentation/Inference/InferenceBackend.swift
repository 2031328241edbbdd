/// A runtime that opens model files.
public protocol InferenceBackend: Sendable {
    /// For example `ONNX Runtime 1.32.0`.
    var name: String { get }
    /// What networks of 32-bit floats are run with.
    var precision: InferencePrecision { get }
    /// Opens a model and gives as many lanes as asked for: sessions that share the loaded network and can run at the
    /// same time. Each runs one inference at a time.
    func open(modelAt path: String, lanes: Int) async throws -> [any InferenceSession]
    /// Opens a model for a server, which has now one request and now many.
    func openForServing(modelAt path: String, lanes: Int) async throws -> ServingLanes
}

extension InferenceBackend {
    /// As they are.
    public var precision: InferencePrecision { .float32 }

    /// The same lanes whether there is one request or many.
    public func openForServing(modelAt path: String, lanes: Int) async throws -> ServingLanes {
        ServingLanes(many: try await open(modelAt: path, lanes: lanes))
    }
}

/// Where a server runs a model.
public struct ServingLanes: Sendable {
    /// For as many requests at a time as there are of these: each may use all cores. Empty where requests always use their share.
    public let wide: [any InferenceSession]
    /// For more requests beside one another: each uses its share of the machine.
    public let many: [any InferenceSession]

    public init(wide: [any InferenceSession] = [], many: [any InferenceSession]) {
        self.wide = wide
        self.many = many
    }
}
