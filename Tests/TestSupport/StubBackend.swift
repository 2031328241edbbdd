public import Foundation
public import InstanceSegmentation

/// A backend that loads one kind of session whatever the file.
public struct StubBackend: InferenceBackend {
    public let name = "stub"
    private let description: ModelDescription
    private let makeSession: @Sendable (String) async throws -> any InferenceSession

    /// - Parameters:
    ///   - description: of every file.
    ///   - makeSession: makes the session of a file, whose path it is given.
    public init(
        description: ModelDescription = ModelDescription(inputs: [], outputs: [], metadata: [:]),
        _ makeSession: @escaping @Sendable (String) async throws -> any InferenceSession
    ) {
        self.description = description
        self.makeSession = makeSession
    }

    public func describe(modelAt url: URL) throws -> ModelDescription {
        description
    }

    public func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel {
        StubModel(session: try await makeSession(url.path), maxConcurrency: concurrency)
    }
}

/// A session as a loaded model that runs any number of inferences at once.
public struct StubModel: LoadedModel {
    private let session: any InferenceSession
    public let maxConcurrency: Int

    public init(session: any InferenceSession, maxConcurrency: Int = 1) {
        self.session = session
        self.maxConcurrency = maxConcurrency
    }

    public var modelDescription: ModelDescription { session.modelDescription }

    public func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        try await session.infer(inputs)
    }

    public func warmUp(_ inputs: [String: Tensor]) async throws {
        _ = try await session.infer(inputs)
    }
}
