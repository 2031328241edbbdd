public import InstanceSegmentation

extension ModelPool {
    /// Whether a model is in memory, so that it answers at once.
    public func isLoaded(_ id: ModelID) -> Bool { state.models[id]?.serving != nil }

    /// Whether a load is queued or running. The runtime cannot be unloaded during one.
    public var isLoading: Bool { !state.running.isEmpty || !state.queue.isEmpty }

    /// The state of a model: what is served, and why its files could not be loaded.
    /// - Throws: `PoolError.unknownModel`.
    public func status(of id: ModelID) throws -> ModelStatus {
        refresh()
        guard repository.index[id] != nil else { throw PoolError.unknownModel(id, served: repository.index.ids) }
        let model = state.models[id]
        return ModelStatus(
            generation: model?.serving?.generation, isLoading: model?.load != nil,
            isOutdated: model?.isOutdated ?? false,
            failure: model?.failure.map {
                ModelStatus.Failure(reason: $0.reason, date: date(of: $0.at), attempts: $0.attempts)
            })
    }
}
