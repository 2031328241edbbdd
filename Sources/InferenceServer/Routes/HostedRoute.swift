import Foundation
import HTTPTypes
import Hummingbird
import Imaging
import InstanceSegmentation
import NIOCore

/// `GET` and `POST /{dataset}/{version}`: a picture in, its objects out.
struct HostedRoute: Sendable {
    let catalog: ModelCatalog
    let access: Access
    let configuration: ServerConfiguration
    let state: ServerState

    func predict(_ id: ModelID, _ request: Request, _ log: inout RequestLog) async throws -> Response {
        var parameters = Parameters(query: request.uri.query)
        // A key in the query or a header is checked before the body is read.
        let earlyKey = Access.presentedKey(parameters: parameters, headers: request.headers)
        if earlyKey != nil { log.keyID = try access.check(earlyKey) }
        guard state.isReady else { throw ServingError.notReady }
        return try await state.admitted(limit: configuration.maxRequests) {
            let source = try await image(of: request, &parameters)
            if earlyKey == nil {
                log.keyID = try access.check(Access.presentedKey(parameters: parameters, headers: request.headers))
            }
            let asked = try PredictionRequest(parameters)
            let model = try await catalog.model(id)
            return try await answer(asked, model: model, source: source, &log)
        }
    }

    /// Where the request's image is. An address in the query goes before any body, which is then not looked at.
    private func image(of request: Request, _ parameters: inout Parameters) async throws -> ImageSource {
        if let address = parameters.nonEmpty("image") { return .url(address) }
        guard request.method == .post else { return .none }
        let buffer = try await request.collectedBody(limit: configuration.maxBodySize)
        guard buffer.readableBytes > 0 else { return .none }
        let body = try ImageBody(buffer, contentType: request.headers[.contentType])
        parameters.addBody(body.fields)
        return body.image
    }

    private func answer(
        _ asked: PredictionRequest, model: ServedModel, source: ImageSource, _ log: inout RequestLog
    ) async throws -> Response {
        let start = ContinuousClock.now
        let drawsPicture = asked.format != .json
        let image = try decode(source, for: model, asked, inFull: drawsPicture)
        let decoded = ContinuousClock.now
        var segmentation = try await model.segmenter.segment(image, options: asked.options)
        segmentation.timing.decode = decoded - start
        log.timing = segmentation.timing
        log.predictions = segmentation.detections.count

        var headers = segmentation.timing.headers
        headers[.modelID] = model.id.description
        headers[.cacheControl] = "no-store"
        let picture = drawsPicture ? try drawing(of: segmentation, on: image, asked) : nil
        if asked.format == .image, let picture {
            headers[.contentType] = "image/jpeg"
            return Response(
                status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: picture)))
        }
        let answer = PredictionResponse(segmentation, maskFormat: asked.maskFormat, visualization: picture)
        headers[.contentType] = "application/json"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.json())))
    }

    private func decode(
        _ source: ImageSource, for model: ServedModel, _ asked: PredictionRequest, inFull: Bool
    ) throws -> Image {
        func decoded(_ bytes: UnsafeRawBufferPointer) throws -> Image {
            do throws(ImageCodecError) {
                return try model.decode(
                    bytes, limits: configuration.imageLimits, appliesOrientation: asked.appliesOrientation,
                    inFull: inFull)
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

extension Request {
    /// The whole body, refused as soon as it is known to be too large.
    func collectedBody(limit: Int) async throws -> ByteBuffer {
        if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw ServingError.unsupportedContentEncoding(encoding)
        }
        let announced = headers[.contentLength].flatMap { Int($0) }
        if let announced, announced > limit { throw ServingError.bodyTooLarge(limit: limit, size: announced) }
        var whole = ByteBuffer()
        whole.reserveCapacity(min(announced ?? 0, limit))
        for try await part in body {
            guard whole.readableBytes + part.readableBytes <= limit else {
                throw ServingError.bodyTooLarge(limit: limit, size: nil)
            }
            if whole.readableBytes == 0 && part.readableBytes == announced {
                whole = part
            } else {
                whole.writeImmutableBuffer(part)
            }
        }
        return whole
    }
}

extension StageTiming {
    /// `Server-Timing` (milliseconds) and `X-Processing-Time` (seconds).
    fileprivate var headers: HTTPFields {
        func milliseconds(_ duration: Duration) -> String {
            ((duration.seconds * 1e5).rounded() / 100).description
        }
        let stages = [
            ("decode", decode), ("queue", queue), ("preprocess", preprocess), ("inference", inference),
            ("postprocess", postprocess),
        ]
        var headers = HTTPFields()
        headers[.serverTiming] = stages.map { "\($0.0);dur=\(milliseconds($0.1))" }.joined(separator: ", ")
        headers[.processingTime] = ((total.seconds * 1e6).rounded() / 1e6).description
        return headers
    }
}
