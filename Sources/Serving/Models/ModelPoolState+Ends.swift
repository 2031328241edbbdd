/// How loads and loaded models end.
extension ModelPoolState {
    /// A load succeeded.
    /// - Parameter version: what was loaded: the files on disk when the load ended.
    mutating func loaded(_ id: ID, _ generation: Generation, version: Version, now: Duration) -> [Effect] {
        guard running.removeValue(forKey: generation) != nil, let load = models[id]?.load,
            load.generation == generation,
            load.isWanted
        else {
            if models[id]?.load?.generation == generation { models[id]?.load = nil }
            forgetIfAbsent(id)
            return [.release(generation)] + startLoads(now)
        }
        let before = models[id]?.serving
        // Without a change during the load, it is the listing that lags behind.
        let isOutdated = load.sawChange && listed[id] != version
        models[id] = Model(
            serving: Serving(generation: generation, version: version, lastUse: before?.lastUse ?? nextUse()),
            isOutdated: isOutdated)
        var effects: [Effect] = load.waiters.isEmpty ? [] : [.serve(load.waiters, generation)]
        if let before {
            counters.reloads += 1
            effects.append(.release(before.generation))
        }
        effects += evict(for: id)
        if isOutdated { enqueue(id, waiters: [], now: now) }
        return effects + startLoads(now)
    }

    /// A load failed.
    /// - Parameters:
    ///   - version: what failed to load; `nil` where that is unknown.
    ///   - reason: what callers are told.
    mutating func failed(
        _ id: ID, _ generation: Generation, version: Version?, reason: String, now: Duration
    ) -> [Effect] {
        guard running.removeValue(forKey: generation) != nil, let load = models[id]?.load, load.generation == generation
        else { return startLoads(now) }
        models[id]?.load = nil
        let isReload = models[id]?.serving != nil
        if isReload { counters.failedReloads += 1 } else { counters.failedLoads += 1 }
        // Files that changed during the load deserve another attempt at once.
        let attempts = load.sawChange ? 0 : (models[id]?.failure?.attempts ?? 0) + 1
        models[id]?.failure = Failure(
            version: version, reason: reason, at: now, attempts: attempts,
            until: load.sawChange ? now : now + limits.backOff(after: attempts))
        models[id]?.isOutdated = isReload
        if isReload && load.sawChange { enqueue(id, waiters: [], now: now) }
        let effects: [Effect] = load.waiters.isEmpty ? [] : [.refuse(load.waiters, .unusable(reason))]
        return effects + startLoads(now)
    }

    /// Drops a loaded model, and the memory of its failures. A load in progress cannot be canceled: it goes on, for those who wait for
    /// it if there are any.
    mutating func close(_ id: ID, now: Duration) -> [Effect] {
        models[id]?.failure = nil
        return unload(id) + startLoads(now)
    }

    /// Evicts least recently used models until there are no more than `PoolLimits.maxModels`.
    /// - Parameter newest: the model that has just loaded, which stays.
    mutating func evict(for newest: ID) -> [Effect] {
        guard let maxModels = limits.maxModels else { return [] }
        var effects: [Effect] = []
        while models.values.count(where: { $0.serving != nil }) > maxModels {
            let oldest = models.filter { $0.key != newest }
                .compactMap { id, model in model.serving.map { (id: id, lastUse: $0.lastUse) } }
                .min { $0.lastUse < $1.lastUse }
            guard let oldest else { break }
            counters.evictions += 1
            effects += unload(oldest.id)
        }
        return effects
    }

    /// The model is no longer on disk.
    mutating func remove(_ id: ID) -> [Effect] {
        guard let model = models.removeValue(forKey: id) else { return [] }
        var effects: [Effect] = []
        if let load = model.load {
            queue.removeAll { $0.generation == load.generation }
            if !load.waiters.isEmpty { effects.append(.refuse(load.waiters, .unknown)) }
        }
        if let serving = model.serving { effects.append(.release(serving.generation)) }
        return effects
    }

    /// The files of a model are others than before.
    mutating func change(_ id: ID, to version: Version, now: Duration) -> [Effect] {
        guard let model = models[id] else { return [] }
        var effects: [Effect] = []
        if model.failure?.version != version { models[id]?.failure = nil }
        if let load = model.load, let began = load.began {
            if now - began >= limits.hangsAfter {
                // Left to itself: the new files are loaded without it.
                models[id]?.load = nil
                if !load.waiters.isEmpty { effects.append(.refuse(load.waiters, .notReady)) }
            } else {
                models[id]?.load?.sawChange = true
            }
        }
        if let serving = model.serving {
            models[id]?.isOutdated = serving.version != version
            if serving.version == version {
                models[id]?.failure = nil
                dropQueuedLoad(of: id)
            } else if models[id]?.load == nil && models[id]?.failure == nil {
                enqueue(id, waiters: [], now: now)
            }
        }
        forgetIfAbsent(id)
        return effects
    }

    /// Drops the loaded model, and a queued load that no caller waits for.
    private mutating func unload(_ id: ID) -> [Effect] {
        guard let model = models[id] else { return [] }
        models[id]?.serving = nil
        models[id]?.isOutdated = false
        dropQueuedLoad(of: id)
        if let load = models[id]?.load { models[id]?.load?.isWanted = !load.waiters.isEmpty }
        forgetIfAbsent(id)
        return model.serving.map { [.release($0.generation)] } ?? []
    }

    /// Drops a load that has not started and that no caller waits for.
    mutating func dropQueuedLoad(of id: ID) {
        guard let load = models[id]?.load, load.began == nil, load.waiters.isEmpty else { return }
        models[id]?.load = nil
        queue.removeAll { $0.generation == load.generation }
    }

    /// Removes the entry of a model of which nothing is left.
    mutating func forgetIfAbsent(_ id: ID) {
        guard let model = models[id], model.serving == nil, model.load == nil, model.failure == nil else { return }
        models[id] = nil
    }
}
