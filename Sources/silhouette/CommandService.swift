import Foundation
import ImageCodecs
import InstanceSegmentation
import RuntimeSupport
import Serving

/// One model and the service that answers with it, for commands: the server's own pipeline, without its bounds on waiting and memory.
struct CommandService {
    let service: LocalPredictionService
    let model: ServedModel

    /// Loads a model.
    /// - Throws: what is wrong with the model.
    init(
        _ location: ModelLocation, backend: any InferenceBackend, usesSquareInput: Bool, decodesInFull: Bool,
        imageLimits: ImageLimits = ImageLimits()
    ) async throws {
        model = try await ServedModel(
            loading: location, backend: backend, usesSquareInput: usesSquareInput, decodesInFull: decodesInFull)
        let limits = ServiceLimits(
            concurrency: 1, queueTimeout: .seconds(86_400), requestTimeout: .seconds(86_400), maxMemory: .max / 4,
            maxTiles: 1_000_000, image: imageLimits)
        let memory = MemoryBudget(limits: MemoryLimits(total: limits.maxMemory))
        service = LocalPredictionService(
            models: model,
            scheduler: Scheduler(
                limits: SchedulerLimits(concurrency: 1, queueTimeout: limits.queueTimeout), memory: memory),
            bodies: BodyMemory(budget: memory, largestBody: 1, maxWaiting: 1, timeout: limits.queueTimeout),
            access: .open, fetcher: NoFetching(), limits: limits, workers: WorkerPool(threadCount: 1))
    }

    /// Segments an image file.
    /// - Throws: what is wrong with the image, the model or the request.
    func predict(
        _ bytes: Data, _ query: SegmentationQuery, pixels: PredictionQuery.Pixels = .none
    ) async throws -> PredictionOutcome.Item {
        do {
            let outcome = try await service.predict(
                PredictionQuery(modelID: model.id, images: [.encoded(bytes)], segmentation: query, pixels: pixels),
                grant: .unlimited)
            guard let item = outcome.items.first else { throw ServiceError.missingImage }
            return item
        } catch let error as ServiceError {
            throw Self.cause(of: error)
        }
    }

    /// The error without the service's part in it, as users of the command know it.
    private static func cause(of error: ServiceError) -> any Error {
        switch error {
        case .image(let cause): cause
        case .modelUnusable(_, let reason): FileProblem(reason)
        case .tooManyTiles(let count, let limit):
            FileProblem("The image would have \(count) tiles; the limit is \(limit). Use larger tiles or less overlap.")
        case .cancelled: CancellationError()
        case .failed(let text): FileProblem(text)
        default: error
        }
    }
}
