import Foundation
import Imaging
import InstanceSegmentation
import NIOCore

/// From the image of a request to what its answer is made of; the same for every route.
struct Predictor: Sendable {
    let catalog: ModelCatalog
    let imageLimits: ImageLimits
    let fetcher: ImageFetcher

    /// Most tiles of one picture: each costs as much as a prediction.
    private static let mostTiles = 256

    /// A prediction, and the picture with it drawn on where that is asked for.
    struct Prediction: Sendable {
        var segmentation: Segmentation
        /// A JPEG with the objects drawn on it, where that is asked for.
        var drawing: [UInt8]?
        /// Every pixel of the picture, where the answer is made of it.
        var picture: Image?
    }

    /// Checks that a model may be asked for: the server is ready, or it still loads others and has this one.
    /// - Throws: `ServingError.notReady`.
    func requireReady(_ id: ModelID, _ state: ServerState) async throws {
        if state.isReady { return }
        guard state.isStarting, await catalog.isLoaded(id) else { throw ServingError.notReady }
    }

    /// - Throws: `ServingError`.
    func predict(_ source: ImageSource, with model: ServedModel, _ asked: PredictionRequest) async throws -> Prediction
    {
        let source = try await fetched(source)
        guard let turnstile = model.turnstile else { return try await prediction(of: source, with: model, asked) }
        var (prediction, waited) = try await turnstile.inside { _ in
            try await self.prediction(of: source, with: model, asked)
        }
        prediction.segmentation.timing.queue += waited
        return prediction
    }

    private func prediction(
        of source: ImageSource, with model: ServedModel, _ asked: PredictionRequest
    ) async throws -> Prediction {
        let start = ContinuousClock.now
        let image = try decode(source, for: model, asked, inFull: asked.tiling != nil)
        let decoded = ContinuousClock.now
        var options = asked.options
        if asked.usesOwnConfidence {
            options.confidence = model.segmenter.model.ownConfidence
            if let overlap = model.segmenter.model.ownOverlap, !asked.saysOverlap { options.overlap = overlap }
        }
        var segmentation: Segmentation
        if let tiling = asked.tiling {
            let count = tiling.tiles(of: image.size).count
            guard count <= Self.mostTiles else { throw ServingError.tooManyTiles(count, limit: Self.mostTiles) }
            segmentation = try await model.segmenter.segment(image, options: options, tiling: tiling)
        } else {
            segmentation = try await model.segmenter.segment(image, options: options)
        }
        segmentation.timing.decode = decoded - start
        var prediction = Prediction(segmentation: segmentation)
        guard asked.format.needsPicture else { return prediction }
        // What is found does not depend on whether it is drawn; only the drawing needs every pixel.
        let full = image.size == image.fullSize ? image : try decode(source, for: model, asked, inFull: true)
        if case .export = asked.format {
            prediction.picture = full
        } else {
            prediction.drawing = try drawing(of: segmentation, on: full, asked)
        }
        return prediction
    }

    private func decode(
        _ source: ImageSource, for model: ServedModel, _ asked: PredictionRequest, inFull: Bool = false
    ) throws -> Image {
        func decoded(_ bytes: UnsafeRawBufferPointer) throws -> Image {
            do throws(ImageCodecError) {
                return try model.decode(
                    bytes, limits: imageLimits, appliesOrientation: asked.appliesOrientation,
                    inFull: inFull)
            } catch {
                throw ServingError.image(error)
            }
        }
        switch source {
        case .body(let buffer): return try buffer.withUnsafeReadableBytes(decoded)
        case .data(let data): return try data.withUnsafeBytes(decoded)
        case .none: throw ServingError.missingImage
        case .url: throw ServingError.invalidURL  // fetched before
        }
    }

    /// What an address stands for: the bytes of a `data:` address, or those that are fetched.
    private func fetched(_ source: ImageSource) async throws -> ImageSource {
        guard case .url(let address) = source else { return source }
        let text = address.trimmingCharacters(in: .whitespacesAndNewlines)
        if text.prefix(5).lowercased() == "data:" {
            guard text.prefix(256).contains(";base64,") else { throw ServingError.invalidURL }
            return .data(try ImageBody.base64(ByteBuffer(string: text)))
        }
        let bytes = try await fetcher.fetch(text)
        guard ImageFormat(signature: bytes.readableBytesView) != nil else { throw ServingError.fetchedNoImage }
        return .body(bytes)
    }

    /// The picture with boxes and outlines, and labels where they are asked for.
    private func drawing(
        of segmentation: Segmentation, on image: Image, _ asked: PredictionRequest
    ) throws -> [UInt8] {
        var annotators: [any Annotator] = [
            BoxAnnotator(lineWidth: asked.lineWidth), PolygonAnnotator(lineWidth: asked.lineWidth),
        ]
        if asked.drawsLabels { annotators.append(LabelAnnotator(height: 16, margin: 10)) }
        return try image.annotated(with: segmentation.detections, by: annotators).encoded(as: .jpeg, quality: 90)
    }
}
