import Imaging
import InstanceSegmentation
import RuntimeSupport

/// Loads models from disk and warms them up.
struct ModelLoader: Sendable {
    /// What came of a load.
    struct Outcome: Sendable {
        /// The files that were loaded, or that failed to; `nil` where they could not be looked at.
        let fingerprint: ModelFingerprint?
        let model: Result<ServedModel, any Error>
    }

    let backend: any InferenceBackend
    let configuration: ModelPool.Configuration
    /// What bounds the inferences of all models together.
    let gate: InferenceGate

    init(backend: any InferenceBackend, configuration: ModelPool.Configuration) {
        self.backend = backend
        self.configuration = configuration
        gate = InferenceGate(limit: configuration.concurrency)
    }

    /// How often a load is repeated because the files changed meanwhile.
    private static let attempts = 3
    /// Runs before the first request: a runtime may lay out memory in the first, and settle in the second.
    private static let warmUps = 2

    /// Loads a model on a thread of its own: a runtime may take seconds, or never come back.
    func load(_ location: ModelLocation, generation: Int) async -> Outcome {
        await withTaskExecutorPreference(WorkerPool(name: "load", threadCount: 1)) {
            await loadUnchanged(location, generation)
        }
    }

    /// Loads a model from files that are the same before and after, so that a model never has the settings of another.
    @concurrent private func loadUnchanged(_ location: ModelLocation, _ generation: Int) async -> Outcome {
        var fingerprint: ModelFingerprint?
        do {
            for _ in 0..<Self.attempts {
                let before = try ModelFingerprint(of: location)
                fingerprint = before
                let result: Result<ServedModel, any Error>
                do { result = .success(try await attempt(location, generation)) } catch { result = .failure(error) }
                if try ModelFingerprint(of: location) == before { return Outcome(fingerprint: before, model: result) }
            }
            throw SegmentationError.invalidConfiguration("The files of the model change while they are read.")
        } catch {
            return Outcome(fingerprint: fingerprint, model: .failure(error))
        }
    }

    @concurrent private func attempt(_ location: ModelLocation, _ generation: Int) async throws -> ServedModel {
        // What is wrong in the settings or in the header need not cost the memory of the network.
        let settings = try location.settings()
        try backend.describe(modelAt: location.file).checkLimits()
        let loaded = try await backend.load(modelAt: location.file, concurrency: configuration.concurrency)
        // Not through the gate: a load must not wait for requests whose networks hang. A model whose outputs cannot be decoded must
        // not replace one that works.
        let model = try await Segmenter(
            trying: loaded, settings: settings, usesSquareInput: configuration.usesSquareInput
        ).model
        let segmenter = Segmenter(model: model, session: GatedModel(wrapped: loaded, gate: gate))
        guard configuration.warmsUp else { return served(segmenter, location, generation) }
        let image = RasterImage(size: ImageSize(width: 640, height: 480), color: .black)
        let input = try model.preprocess(image)
        for _ in 0..<Self.warmUps { try await loaded.warmUp(input.tensors) }
        return served(segmenter, location, generation)
    }

    private func served(_ segmenter: Segmenter, _ location: ModelLocation, _ generation: Int) -> ServedModel {
        ServedModel(
            id: location.id, generation: generation, segmenter: segmenter, decodesInFull: configuration.decodesInFull)
    }
}
