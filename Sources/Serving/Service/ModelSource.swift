package import InstanceSegmentation

/// The source of a service's models: a pool that loads and evicts them, or a single model that stays loaded.
package protocol ModelSource: Sendable {
    /// Returns the model with the given identifier.
    /// - Throws: `PoolError`, or `CancellationError`.
    func model(_ id: ModelID) async throws -> ServedModel
}

extension ModelPool: ModelSource {}

extension ServedModel: ModelSource {
    /// Returns this model.
    /// - Throws: `PoolError.unknownModel` for any other identifier.
    package func model(_ id: ModelID) throws -> ServedModel {
        guard id == self.id else { throw PoolError.unknownModel(id, served: [self.id]) }
        return self
    }

    /// Loads a model that stays in memory, for one prediction at a time. It is not warmed up.
    ///
    /// - Throws: an error that describes the fault of the files in full. It may name paths of this machine, which a
    ///   server's response must not contain.
    package init(
        loading location: ModelLocation, backend: any InferenceBackend, usesSquareInput: Bool, decodesInFull: Bool
    ) async throws {
        let loader = ModelLoader(
            backend: backend,
            configuration: ModelPool.Configuration(
                concurrency: 1, usesSquareInput: usesSquareInput, decodesInFull: decodesInFull, warmsUp: false))
        self = try await loader.load(location, generation: 1).model.get()
    }
}
