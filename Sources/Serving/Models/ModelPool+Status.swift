public import InstanceSegmentation

extension ModelPool {
    /// Returns whether a model is in memory, so that requests do not wait for a load.
    public func isLoaded(_ id: ModelID) -> Bool { state.models[id]?.serving != nil }

    /// Whether a load is queued or running. The runtime cannot be unloaded during a load.
    public var isLoading: Bool { !state.running.isEmpty || !state.queue.isEmpty }

    /// Returns the state of a model: the generation that is served, and the last failure to load its files.
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
