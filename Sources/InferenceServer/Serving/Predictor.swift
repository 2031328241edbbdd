import Foundation
import Imaging
import InstanceSegmentation
import NIOCore

/// From the image of a request to what its answer is made of; the same for every route.
struct Predictor: Sendable {
    let catalog: ModelCatalog
    let imageLimits: ImageLimits

    /// A prediction, and the picture with it drawn on where that is asked for.
    struct Prediction: Sendable {
        let segmentation: Segmentation
        /// A JPEG.
        let picture: [UInt8]?
    }

    /// - Throws: `ServingError`.
    func predict(_ source: ImageSource, with model: ServedModel, _ asked: PredictionRequest) async throws -> Prediction
    {
        let start = ContinuousClock.now
        let image = try decode(source, for: model, asked)
        let decoded = ContinuousClock.now
        var segmentation = try await model.segmenter.segment(image, options: asked.options)
        segmentation.timing.decode = decoded - start
        let picture = asked.format == .json ? nil : try drawing(of: segmentation, on: image, asked)
        return Prediction(segmentation: segmentation, picture: picture)
    }

    private func decode(_ source: ImageSource, for model: ServedModel, _ asked: PredictionRequest) throws -> Image {
        func decoded(_ bytes: UnsafeRawBufferPointer) throws -> Image {
            do throws(ImageCodecError) {
                return try model.decode(
                    bytes, limits: imageLimits, appliesOrientation: asked.appliesOrientation,
                    inFull: asked.format != .json)
            } catch {
                throw ServingError.image(error)
            }
        }
        switch source {
        case .body(let buffer): return try buffer.withUnsafeReadableBytes(decoded)
        case .data(let data): return try data.withUnsafeBytes(decoded)
        case .none: throw ServingError.missingImage
        case .url(let address):
            guard address.prefix(5).lowercased() == "data:" else {
                let isURL = address.hasPrefix("http://") || address.hasPrefix("https://")
                throw isURL ? ServingError.urlInputUnsupported : ServingError.invalidURL
            }
            guard address.prefix(256).contains(";base64,") else { throw ServingError.invalidURL }
            return try Array(address.utf8).withUnsafeBytes { text in
                do throws(Base64Body.Failure) {
                    return try Base64Body.decode(text)
                } catch {
                    throw error == .empty ? ServingError.emptyImage : ServingError.malformedBase64
                }
            }.withUnsafeBytes(decoded)
        }
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
