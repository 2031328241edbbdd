import Foundation
public import InstanceSegmentation
public import Logging
import Synchronization

/// The models in memory: loaded on first use, replaced when their files change, evicted when there are too many.
///
/// Concurrent callers share a single load. When a model's files change, the new version is loaded next to the one that
/// is served, and replaces it once it is warm. Requests in flight keep the version that they started with. If the new
/// files are invalid, the older version is still served. A model that cannot be loaded evicts no other, and is not
/// retried by every request. See `PoolLimits` for the bounds.
public actor ModelPool {
    /// The parameters for loading models.
    public struct Configuration: Sendable {
        /// Maximum number of inferences that run at once, over all models.
        public var concurrency: Int
        public var limits: PoolLimits
        public var usesSquareInput: Bool
        public var decodesInFull: Bool
        /// Whether every session runs once before the first request.
        public var warmsUp: Bool
        /// Called after the files of a loaded model changed, with whether the new version is served.
        public var onReload: @Sendable (ModelID, _ succeeded: Bool) -> Void
        /// Called when a model has been removed from the folder.
        public var onRemove: @Sendable (ModelID) -> Void

        /// Creates a configuration.
        public init(
            concurrency: Int, limits: PoolLimits = PoolLimits(), usesSquareInput: Bool = false,
            decodesInFull: Bool = false, warmsUp: Bool = true,
            onReload: @escaping @Sendable (ModelID, _ succeeded: Bool) -> Void = { _, _ in },
            onRemove: @escaping @Sendable (ModelID) -> Void = { _ in }
        ) {
            self.concurrency = concurrency
            self.limits = limits
            self.usesSquareInput = usesSquareInput
            self.decodesInFull = decodesInFull
            self.warmsUp = warmsUp
            self.onReload = onReload
            self.onRemove = onRemove
        }
    }

    public nonisolated let repository: ModelRepository
    private let loader: ModelLoader
    private let logger: Logger
    private let clock: MonotonicClock
    private nonisolated let published = Mutex(PoolSnapshot())
    var state: ModelPoolState<ModelID, ModelFingerprint>
    /// By generation: exactly those that the state serves.
    private var models: [Int: ServedModel] = [:]
    private var callers: [Int: (id: ModelID, continuation: CheckedContinuation<ServedModel, any Error>)] = [:]
    private var lastCaller = 0
    private var revision = 0
    private var timer: (deadline: Duration, task: Task<Void, Never>)?

    /// Creates an empty pool.
    public init(
        repository: ModelRepository, backend: any InferenceBackend, configuration: Configuration, logger: Logger,
        clock: MonotonicClock = .continuous
    ) {
        self.repository = repository
        self.logger = logger
        self.clock = clock
        loader = ModelLoader(backend: backend, configuration: configuration)
        state = ModelPoolState(limits: configuration.limits)
    }

    /// Follows the repository's changes until the task is canceled. Without it, changes are noticed only by the next
    /// request.
    public func run() async {
        for await _ in await repository.changes() { refresh() }
    }

    /// Returns the model with the given identifier, loading and warming it up on first use.
    ///
    /// A load that takes longer than `PoolLimits.longestWait` continues, but its callers stop waiting.
    /// - Throws: `PoolError`; `CancellationError` as soon as the task is canceled.
    public func model(_ id: ModelID) async throws -> ServedModel {
        try Task.checkCancellation()
        refresh()
        lastCaller += 1
        let caller = lastCaller
        let (decision, effects) = state.request(id, waiter: caller, now: clock.now())
        switch decision {
        case .serve(let generation):
            if !effects.isEmpty { perform(effects) }
            guard let model = models[generation] else { throw PoolError.notReady }
            return model
        case .refuse(let refusal): throw error(refusal, id)
        case .wait: break
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                callers[caller] = (id, continuation)
                perform(effects)
            }
        } onCancel: {
            Task { await self.abandon(caller) }
        }
    }

    /// Evicts a model and forgets the failures of its loads. The next request for it loads it again. A load in progress
    /// cannot be canceled.
    /// - Throws: `PoolError.unknownModel`.
    public func close(_ id: ModelID) throws {
        refresh()
        guard repository.index[id] != nil else { throw error(.unknown, id) }
        perform(state.close(id, now: clock.now()))
    }

    /// Takes over what the repository knows, if that has changed.
    func refresh() {
        let index = repository.index
        guard index.revision != revision else { return }
        revision = index.revision
        let listing = Dictionary(index.entries.map { ($0.id, $0.fingerprint) }) { first, _ in first }
        let removed = state.listed.keys.filter { listing[$0] == nil }
        perform(state.update(listing, now: clock.now()))
        for id in removed { loader.configuration.onRemove(id) }
    }

    private func abandon(_ caller: Int) {
        guard let (id, continuation) = callers.removeValue(forKey: caller) else { return }
        state.abandon(id, waiter: caller)
        continuation.resume(throwing: CancellationError())
        perform([])
    }

    private func ended(_ id: ModelID, _ generation: Int, _ outcome: ModelLoader.Outcome, after duration: Duration) {
        let now = clock.now()
        let isReload = state.models[id]?.serving != nil
        switch (outcome.model, outcome.fingerprint) {
        case (.success(let model), let fingerprint?):
            logger.info(
                "Model \(id) is ready",
                metadata: [
                    "family": "\(model.family.rawValue)", "generation": "\(generation)",
                    "precision": "\(model.segmenter.session.modelDescription.precision.rawValue)",
                    "classes": "\(model.classNames.count)", "milliseconds": "\(duration / .milliseconds(1))",
                ])
            for remark in model.segmenter.model.remarks { logger.warning("Model \(id): \(remark)") }
            models[generation] = model
            if isReload { loader.configuration.onReload(id, true) }
            perform(state.loaded(id, generation, version: fingerprint, now: now))
        case (.success, nil): fail(id, generation, nil, "Its files cannot be looked at.")
        case (.failure(let error), let fingerprint):
            logger.error(
                "Model \(id) cannot be used\(isReload ? "; its last working version is still served" : ""): \(error)")
            if isReload { loader.configuration.onReload(id, false) }
            let location = repository.index[id]?.location
            let reason = location.map { PoolError.reason(error, of: $0) } ?? "Its files were removed."
            fail(id, generation, fingerprint, reason)
        }
    }

    private func fail(_ id: ModelID, _ generation: Int, _ fingerprint: ModelFingerprint?, _ reason: String) {
        perform(state.failed(id, generation, version: fingerprint, reason: reason, now: clock.now()))
    }

    private func perform(_ effects: [ModelPoolState<ModelID, ModelFingerprint>.Effect]) {
        for effect in effects {
            switch effect {
            case .start(let id, let generation): start(id, generation)
            case .serve(let waiters, let generation):
                guard let model = models[generation] else { continue }
                for waiter in waiters { callers.removeValue(forKey: waiter)?.continuation.resume(returning: model) }
            case .refuse(let waiters, let refusal):
                for waiter in waiters {
                    guard let (id, continuation) = callers.removeValue(forKey: waiter) else { continue }
                    continuation.resume(throwing: error(refusal, id))
                }
            case .release(let generation):
                guard let model = models.removeValue(forKey: generation) else { continue }
                logger.info("Model \(model.id) is released", metadata: ["generation": "\(generation)"])
            }
        }
        let snapshot = PoolSnapshot(state)
        published.withLock { $0 = snapshot }
        setTimer()
    }

    private func start(_ id: ModelID, _ generation: Int) {
        guard let location = repository.index[id]?.location else {
            Task { fail(id, generation, nil, "Its files were removed.") }
            return
        }
        Task {
            let start = clock.now()
            let outcome = await loader.load(location, generation: generation)
            ended(id, generation, outcome, after: clock.now() - start)
        }
    }

    /// Has the state look at the time when it must.
    private func setTimer() {
        let now = clock.now()
        guard let deadline = state.nextDeadline(after: now) else {
            timer?.task.cancel()
            timer = nil
            return
        }
        guard timer?.deadline != deadline else { return }
        timer?.task.cancel()
        let task = Task { [weak self, clock] in
            do { try await clock.sleep(max(deadline - now, .zero)) } catch { return }
            await self?.timeHasPassed(deadline)
        }
        timer = (deadline, task)
    }

    private func timeHasPassed(_ deadline: Duration) {
        if timer?.deadline == deadline { timer = nil }
        perform(state.advance(to: clock.now()))
    }

    private func error(_ refusal: ModelPoolState<ModelID, ModelFingerprint>.Refusal, _ id: ModelID) -> PoolError {
        switch refusal {
        case .unknown: .unknownModel(id, served: repository.index.ids)
        case .notReady: .notReady
        case .overloaded: .overloaded
        case .unusable(let reason): .unusable(id, reason: reason)
        }
    }

    /// The date of a time of the pool's clock.
    func date(of time: Duration) -> Date { Date.now - Double((clock.now() - time) / .seconds(1)) }

    /// The runtime that loads the models.
    public nonisolated var backend: any InferenceBackend { loader.backend }

    /// The current state, for metrics; readable without entering the actor.
    public nonisolated var snapshot: PoolSnapshot { published.withLock { $0 } }
}
