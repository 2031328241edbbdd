import Foundation
import Imaging
public import InstanceSegmentation
public import Logging

/// The models of a folder: opened on first use or ahead of it, each once.
public actor ModelCatalog {
    /// What opening models needs to know.
    public struct Settings: Sendable {
        /// Inferences of one model that may run at once.
        public var lanes: Int
        /// Requests that may wait for a model.
        public var maxWaiting: Int
        public var longestWait: Duration
        public var usesSquareInput: Bool
        public var decodesInFull: Bool
        /// Most models that are open at once; the one that was not used for longest goes for another. `nil` keeps all.
        public var maxOpen: Int?

        public init(
            lanes: Int, maxWaiting: Int = 64, longestWait: Duration = .seconds(30), usesSquareInput: Bool = false,
            decodesInFull: Bool = false, maxOpen: Int? = nil
        ) {
            self.lanes = lanes
            self.maxWaiting = maxWaiting
            self.longestWait = longestWait
            self.usesSquareInput = usesSquareInput
            self.decodesInFull = decodesInFull
            self.maxOpen = maxOpen
        }
    }

    public nonisolated let locations: [ModelLocation]
    private let backend: any InferenceBackend
    private let settings: Settings
    private let logger: Logger
    private var opening: [ModelID: Task<ServedModel, any Error>] = [:]
    /// The open models, the one that was used last behind the others.
    private var recent: [ModelID] = []
    private var classNames: [ModelID: [String]] = [:]
    private var loaded: Set<ModelID> = []
    /// When loads began.
    private var begun: [ModelID: ContinuousClock.Instant] = [:]

    public init(locations: [ModelLocation], backend: any InferenceBackend, settings: Settings, logger: Logger) {
        self.locations = locations
        self.backend = backend
        self.settings = settings
        self.logger = logger
    }

    /// Returns the model with the given identifier, loading and warming it up on first use. Concurrent callers share a single load, and
    /// wait for it for `Settings.longestWait`; a load that takes longer goes on without them.
    /// - Throws: `ServingError.unknownModel`, `ServingError.modelUnusable`, `ServingError.notReady`.
    public func model(_ id: ModelID) async throws -> ServedModel {
        let location = try require(id)
        recent.removeAll { $0 == id }
        recent.append(id)
        if let task = opening[id] {
            return loaded.contains(id) ? try await task.value : try await value(of: task, since: begun[id] ?? .now)
        }
        makeRoom()
        let task = Task {
            do {
                let model = try await open(location)
                note(model)
                return model
            } catch {
                forget(id)  // the file may be mended; the next request tries again
                throw error
            }
        }
        opening[id] = task
        let now = ContinuousClock.now
        begun[id] = now
        return try await value(of: task, since: now)
    }

    /// Whether a load is in progress. The runtime cannot be unloaded during one.
    public var isLoading: Bool { opening.keys.contains { !loaded.contains($0) } }

    /// Whether a model is loaded, so that it answers at once.
    func isLoaded(_ id: ModelID) -> Bool { loaded.contains(id) && opening[id] != nil }

    private func note(_ model: ServedModel) {
        classNames[model.id] = model.segmenter.model.classNames
        loaded.insert(model.id)
    }

    /// Waits for a model. A load that hangs in the runtime cannot be cancelled, but it must not hold its callers.
    ///
    /// The wait counts from the beginning of the load: a model that has been loading for long does not collect requests.
    private nonisolated func value(
        of task: Task<ServedModel, any Error>, since begin: ContinuousClock.Instant
    ) async throws -> ServedModel {
        let limit = settings.longestWait - (ContinuousClock.now - begin)
        guard limit > .zero else { throw ServingError.notReady }
        let (results, source) = AsyncStream.makeStream(of: Result<ServedModel, any Error>.self)
        Task {
            source.yield(await task.result)
            source.finish()
        }
        let timer = Task {
            try await Task.sleep(for: limit)
            source.yield(.failure(ServingError.notReady))
            source.finish()
        }
        defer { timer.cancel() }
        for await result in results { return try result.get() }
        throw CancellationError()
    }

    /// The names of a model's classes. It is opened for them once; they are kept when it is let go.
    func classNames(of id: ModelID) async throws -> [String] {
        if let known = classNames[id] { return known }
        return try await model(id).segmenter.model.classNames
    }

    /// What runs the models, such as `ONNX Runtime 1.32.0`.
    nonisolated var backendName: String { backend.name }

    /// What networks of 32-bit floats are run with.
    nonisolated var precision: InferencePrecision { backend.precision }

    /// The models that are open, or about to be.
    var openModels: Set<ModelID> { Set(opening.keys) }

    /// Lets models go until there is room for the one that is asked for. Who uses one still has it until they are done.
    private func makeRoom() {
        guard let most = settings.maxOpen else { return }
        // A load in progress cannot be canceled; its model is evicted later.
        while recent.count > max(most, 1), let first = recent.first(where: loaded.contains) {
            logger.info("Model \(first) is evicted for another")
            forget(first)
        }
    }

    private func forget(_ id: ModelID) {
        opening[id] = nil
        loaded.remove(id)
        begun[id] = nil
        recent.removeAll { $0 == id }
    }

    /// Lets a model's memory go once nobody uses it any more. It is opened again when it is next asked for.
    /// - Throws: `ServingError.unknownModel`.
    public func close(_ id: ModelID) throws {
        try require(id)
        if loaded.contains(id) { forget(id) }  // a load in progress cannot be canceled
    }

    /// Where a model is.
    /// - Parameter visible: which models may be named where there is none of that name.
    /// - Throws: `ServingError.unknownModel`.
    @discardableResult
    nonisolated func require(_ id: ModelID, visible: (ModelID) -> Bool = { _ in true }) throws -> ModelLocation {
        guard let location = locations.first(where: { $0.id == id }) else {
            throw ServingError.unknownModel(id, served: locations.map(\.id).filter(visible))
        }
        return location
    }

    /// Not on the actor, which answers for the other models meanwhile.
    private nonisolated func open(_ location: ModelLocation) async throws -> ServedModel {
        let start = ContinuousClock.now
        do {
            // Before the network is loaded: what is wrong in them need not cost its memory.
            let files = try location.settings()
            let model = try await backend.load(modelAt: location.file, concurrency: settings.lanes)
            let segmenter = try Segmenter(session: model, settings: files, usesSquareInput: settings.usesSquareInput)
            let image = Image(size: ImageSize(width: 640, height: 480), color: .black)
            try await model.warmUp(segmenter.model.preprocess(image).tensors)
            // Also the rest of a prediction, which refuses outputs that it cannot read.
            _ = try await segmenter.segment(image)
            logger.info(
                "Model \(location.id) is ready",
                metadata: [
                    "family": "\(segmenter.model.family.rawValue)", "precision": "\(model.model.precision.rawValue)",
                    "classes": "\(segmenter.model.classNames.count)",
                    "seconds": "\(((ContinuousClock.now - start).seconds * 1000).rounded() / 1000)",
                ])
            // One more than can run is at its picture meanwhile.
            let turnstile = Turnstile(
                places: settings.lanes + 1, maxWaiting: settings.maxWaiting, longestWait: settings.longestWait)
            return ServedModel(
                id: location.id, segmenter: segmenter, decodesInFull: settings.decodesInFull, turnstile: turnstile)
        } catch {
            logger.error("Model \(location.id) cannot be used: \(error)")
            let reason = (error as? SegmentationError)?.description ?? "The server's log says why."
            throw ServingError.modelUnusable(location.id, reason: reason)
        }
    }
}
