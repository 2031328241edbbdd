import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation
package import RuntimeSupport

/// Computes predictions in this process: the model comes from its source, a slot from the scheduler, and pixels are
/// processed by the workers.
package struct LocalPredictionService: PredictionService {
    private let models: any ModelSource
    private let scheduler: Scheduler
    private let bodies: BodyMemory
    private let access: Access
    private let fetcher: any ImageFetching
    private let limits: ServiceLimits
    private let fetches: FetchCount
    /// Turns of tiled images, which hold a slot for as long as many predictions: one slot is always left for others.
    package let tiledTurns: Scheduler
    /// Threads that decode, preprocess, annotate and encode images.
    package let workers: WorkerPool

    /// Creates a service.
    /// - Parameters:
    ///   - bodies: the memory for fetched images.
    ///   - workers: threads that decode, preprocess, annotate and encode images.
    package init(
        models: any ModelSource, scheduler: Scheduler, bodies: BodyMemory, access: Access, fetcher: any ImageFetching,
        limits: ServiceLimits, workers: WorkerPool
    ) {
        self.models = models
        self.scheduler = scheduler
        self.bodies = bodies
        self.access = access
        self.fetcher = fetcher
        self.limits = limits
        tiledTurns = Scheduler(
            limits: SchedulerLimits(
                concurrency: limits.concurrency, maxQueue: limits.maxQueue, queueTimeout: limits.queueTimeout,
                decodesAhead: false),
            memory: MemoryBudget(limits: MemoryLimits()))
        // One key may have half of them.
        fetches = FetchCount(limit: 2 * max(limits.maxQueue, limits.concurrency))
        self.workers = workers
    }

    /// Each image takes its own slot; images of one query run concurrently as far as slots are free. All of them are
    /// charged to the key's quota, and refunded if the query fails before the first image is decoded.
    package func predict(
        _ query: PredictionQuery, grant: Grant
    ) async throws(ServiceError) -> PredictionOutcome {
        do {
            guard !query.images.isEmpty else { throw ServiceError.missingImage }
            guard query.images.count <= limits.maxImages else {
                throw ServiceError.tooManyImages(query.images.count, limit: limits.maxImages)
            }
            try grant.require(query.modelID)
            // Parsing the body is part of the request's time.
            let start = query.body?.arrival ?? .now
            let end = start + min(query.timeout ?? limits.requestTimeout, limits.requestTimeout)
            return try await withDeadline(try end.remaining()) {
                let model = try await models.model(query.modelID)
                // Before a slot is taken, which must not wait for the key store.
                try await access.consumeQuota(grant, count: query.images.count)
                let run = Run(query: query, model: model, key: grant.keyID, end: end)
                do {
                    return PredictionOutcome(
                        modelID: query.modelID, generation: model.generation, classNames: model.classNames,
                        items: try await items(of: run))
                } catch {
                    if !run.work.hasBegun { await access.refundQuota(grant, count: query.images.count) }
                    throw error
                }
            }
        } catch {
            throw ServiceError(error).visible(to: grant)
        }
    }

    /// The state that the images of one query share.
    private struct Run: Sendable {
        let query: PredictionQuery
        let model: ServedModel
        let key: String?
        let end: ContinuousClock.Instant
        let work = WorkMark()

        /// The time that is left.
        /// - Throws: `ServiceError.deadlineExceeded` where it is up.
        func remaining() throws -> Duration { try end.remaining() }
    }

    private func items(of run: Run) async throws -> [PredictionOutcome.Item] {
        if run.query.images.count == 1 { return [try await item(run, run.query.images[0])] }
        return try await withThrowingTaskGroup(of: (Int, PredictionOutcome.Item).self) { group in
            var items: [PredictionOutcome.Item?] = Array(repeating: nil, count: run.query.images.count)
            var next = 0
            func add() {
                guard next < run.query.images.count else { return }
                let index = next
                next += 1
                group.addTask { (index, try await item(run, run.query.images[index])) }
            }
            for _ in 0..<limits.concurrency { add() }
            while let (index, item) = try await group.next() {
                items[index] = item
                add()
            }
            return items.compactMap(\.self)
        }
    }

    private func item(_ run: Run, _ input: ImageInput) async throws -> PredictionOutcome.Item {
        let lease = BodyLease(of: .bodies, owner: run.key, from: bodies)
        defer { lease.release() }
        let bytes = try await bytes(of: input, run, lease)
        let file = try await withTaskExecutorPreference(workers) {
            try Task.checkCancellation()
            return try EncodedImage(bytes, limits: limits.image, applyOrientation: run.query.appliesOrientation)
        }
        if let tiling = run.query.segmentation.tiling {
            let count = tiling.tileCount(of: file.size)
            guard count <= limits.maxTiles else { throw ServiceError.tooManyTiles(count, limit: limits.maxTiles) }
        }
        while true {
            do {
                return try await slot(run, file)
            } catch let error as SchedulerError {
                // A list that was admitted is not refused halfway: its other images come back.
                guard case .queueFull = error, run.work.hasBegun else { throw error }
                try await Task.sleep(for: min(.milliseconds(50), run.remaining()))
            }
        }
    }

    private func slot(_ run: Run, _ file: EncodedImage) async throws -> PredictionOutcome.Item {
        guard run.query.segmentation.tiling != nil else { return try await pipeline(run, file) }
        return try await tiledTurns.withSlot(
            model: run.model.id.description, key: run.key, bytes: 0, deadline: run.remaining()
        ) { waited in
            var item = try await pipeline(run, file)
            item.segmentation.timing.queue += waited
            return item
        }
    }

    private func pipeline(_ run: Run, _ file: EncodedImage) async throws -> PredictionOutcome.Item {
        try await scheduler.withSlot(
            model: run.model.id.description, key: run.key, bytes: cost(of: file, run.query), deadline: run.remaining()
        ) { waited in
            try await withTaskExecutorPreference(workers) {
                try await item(run, file, waited: waited)
            }
        }
    }

    /// The memory that decoding takes, that of the pixels held at once, and of a file that is made of them. In bytes.
    private func cost(of file: EncodedImage, _ query: PredictionQuery) -> Int {
        let copies = query.pixels == .none && query.segmentation.tiling == nil ? 0 : 1
        let encoding = query.encoder.map { $0.bytesPerPixel + ($0.needsPixels ? 3 : 0) } ?? 0
        let (decoded, isTooMuch) = file.decodingMemory.addingReportingOverflow(3 * copies * file.size.area)
        let (encoded, isTooLarge) = file.size.area.multipliedReportingOverflow(by: encoding)
        return isTooMuch || isTooLarge ? .max : max(decoded, encoded)
    }

    private func item(_ run: Run, _ file: EncodedImage, waited: Duration) async throws -> PredictionOutcome.Item {
        var query = run.query.segmentation
        query.decodesInFull = query.decodesInFull || run.model.decodesInFull
        var (segmentation, image) = try await run.model.segmenter.segment(file, query) {
            run.work.begin()
        }
        segmentation.timing.queue += waited
        var item = PredictionOutcome.Item(segmentation: segmentation)
        let encoder = run.query.encoder
        if let encoder, !encoder.needsPixels {
            image = RasterImage(size: ImageSize(width: 1, height: 1), color: .black)  // releases the pixels early
            try Task.checkCancellation()
            item.file = try encoder.encode(segmentation, nil, run.model.classNames)
        }
        guard run.query.pixels != .none || encoder?.needsPixels ?? false else { return item }
        try Task.checkCancellation()
        // What is found does not depend on whether it is drawn; only the drawing needs every pixel.
        if image.size != image.originalSize { image = try file.decode() }
        if let encoder, encoder.needsPixels {
            item.file = try encoder.encode(segmentation, image, run.model.classNames)
        } else if case .drawing(let lineWidth, let labels) = run.query.pixels {
            item.drawing = try image.annotated(with: segmentation, lineWidth: lineWidth, labels: labels)
        } else if run.query.pixels == .image {
            item.image = image
        }
        return item
    }

    /// The bytes of an image: the caller's own, or those at its address, which count as a body and wait for memory as one.
    private func bytes(
        of input: ImageInput, _ run: Run, _ lease: BodyLease
    ) async throws -> any ContiguousBytes & Sendable {
        switch input {
        case .encoded(let bytes): return bytes
        case .url(let address):
            guard fetches.begin(for: run.key) else {
                throw ServiceError.overloaded(retryAfter: scheduler.snapshot.retryAfter)
            }
            defer { fetches.end(for: run.key) }
            let bytes = try await fetcher.fetch(address, for: run.key, into: lease, until: run.end)
            guard bytes.withUnsafeBytes({ ImageFormat(signature: $0) }) != nil else {
                guard let foreign = bytes.withUnsafeBytes({ ForeignFormat(signature: $0) }) else {
                    throw ServiceError.fetchedNoImage
                }
                throw ServiceError.image(.unsupported(foreign.name))
            }
            return bytes
        }
    }
}

extension RasterImage {
    /// A JPEG of the image with boxes and outlines, and labels where they are asked for.
    fileprivate func annotated(with segmentation: Segmentation, lineWidth: Int, labels: Bool) throws -> [UInt8] {
        var annotators: [any Annotator] = [
            BoxAnnotator(lineWidth: lineWidth), PolygonAnnotator(lineWidth: lineWidth),
        ]
        if labels { annotators.append(LabelAnnotator(height: 16, margin: 10)) }
        return try annotated(with: segmentation.detections, by: annotators).encoded(as: .jpeg, quality: 90)
    }
}
