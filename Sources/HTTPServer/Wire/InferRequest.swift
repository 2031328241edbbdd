import AnnotationFormats
import Foundation
import InstanceSegmentation
import NIOCore
import Serving

/// The JSON body of `POST /infer/instance_segmentation`, as the `inference-sdk` package sends it. Unknown fields are ignored.
struct InferRequest: Sendable {
    let modelID: String
    let key: String?
    /// Becomes the `inference_id` of the answer.
    let id: String?
    /// The images, their base64 not yet decoded.
    let images: [TypedImage]
    /// Whether the images came as a list, so that the answer is one too.
    let isList: Bool
    let prediction: PredictionRequest

    /// - Parameter maxImages: the most images that a list may have.
    /// - Throws: `RequestError`, `ServiceError.tooManyImages`.
    init(_ buffer: ByteBuffer, maxImages: Int) throws {
        self = try buffer.withUnsafeReadableBytes { try InferRequest($0, maxImages: maxImages) }
    }

    private init(_ bytes: UnsafeRawBufferPointer, maxImages: Int) throws {
        let json = try JSONStructure.checked(Data(borrowing: bytes))
        let body: Body
        do {
            body = try JSONDecoder().decode(Body.self, from: json)
        } catch let error as DecodingError {
            if case .malformedJSON(let reason)? = JSONStructure.syntaxError(in: json) {
                throw RequestError.invalidParameter(
                    InvalidParameter(
                        location: "body", name: "body", kind: "json_invalid", expected: "JSON (\(reason))",
                        input: "something else"))
            }
            throw RequestError(error)
        }
        modelID = body.model_id
        key = body.api_key
        id = body.id
        switch body.image {
        case .one(let image):
            images = [image]
            isList = false
        case .many(let all):
            guard all.count <= maxImages else { throw ServiceError.tooManyImages(all.count, limit: maxImages) }
            images = all
            isList = true
        }
        var prediction = PredictionRequest()
        switch body.confidence {
        case .number(let value):
            prediction.options.confidenceThreshold = Float(max(try Self.fraction(value, "confidence"), 0.01))
        case .word: prediction.usesRecommendedThresholds = true
        case nil: break
        }
        if let overlap = body.iou_threshold?.value {
            prediction.options.iouThreshold = try Self.fraction(overlap, "iou_threshold")
            prediction.hasExplicitIoU = true
        }
        if let most = body.max_detections?.value {
            guard most >= 1 else { throw Self.invalid("max_detections", "a whole number, at least 1", String(most)) }
            prediction.options.maxDetections = min(most, 300)
        }
        if let classes = body.class_filter { prediction.options.classes = Set(classes) }
        prediction.options.isClassAgnostic = body.class_agnostic_nms?.value ?? false
        prediction.appliesOrientation = !(body.disable_preproc_auto_orient?.value ?? false)
        prediction.format = body.visualize_predictions?.value == true ? .imageAndJSON : .json
        prediction.drawsLabels = body.visualization_labels?.value ?? false
        prediction.lineWidth = min(max(body.visualization_stroke_width?.value ?? 1, 1), 100)
        if let text = body.response_mask_format {
            guard let format = MaskFormat(rawValue: text) else {
                throw Self.invalid("response_mask_format", "'polygon' or 'rle'", text)
            }
            prediction.maskFormat = format
        }
        if let milliseconds = body.timeout?.value {
            prediction.timeout = try PredictionRequest.timeout(milliseconds: milliseconds) {
                Self.invalid("timeout", PredictionRequest.timeoutRange, String(milliseconds))
            }
        }
        prediction.options.maskResolution = try MaskResolution(
            mode: body.mask_decode_mode, factor: body.tradeoff_factor?.value)
        self.prediction = prediction
    }

    /// Here 1 is the whole; only what is above is percent.
    private static func fraction(_ value: Double, _ name: String) throws -> Double {
        guard value.isFinite else { throw invalid(name, "a number from 0 to 1", String(value)) }
        return min(max(value > 1 ? value / 100 : value, 0), 1)
    }

    private static func invalid(_ name: String, _ expected: String, _ input: String) -> RequestError {
        .invalidParameter(
            InvalidParameter(location: "body", name: name, kind: "value_error", expected: expected, input: input))
    }

    private struct Body: Decodable {
        let model_id: String
        let image: Images
        let api_key: String?
        let id: String?
        let confidence: NumberOrWord?
        let iou_threshold: LooseNumber?
        let class_agnostic_nms: LooseBoolean?
        let class_filter: [String]?
        let max_detections: LooseInteger?
        let mask_decode_mode: String?
        let tradeoff_factor: LooseNumber?
        let response_mask_format: String?
        let visualize_predictions: LooseBoolean?
        let visualization_labels: LooseBoolean?
        let visualization_stroke_width: LooseInteger?
        let disable_preproc_auto_orient: LooseBoolean?
        let timeout: LooseNumber?
    }

    private enum Images: Decodable {
        case one(TypedImage)
        case many([TypedImage])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let all = try? container.decode([TypedImage].self) {
                self = .many(all)
            } else {
                self = .one(try container.decode(TypedImage.self))
            }
        }
    }

    /// `best` and `default` stand for the model's own threshold.
    private enum NumberOrWord: Decodable {
        case number(Double)
        case word

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self), ["best", "default"].contains(text) {
                self = .word
            } else {
                self = .number(try LooseNumber(from: decoder).value)
            }
        }
    }
}

/// An image in JSON: `{"type": "base64" | "url", "value": "..."}`.
struct TypedImage: Decodable, Sendable {
    let type: String
    let value: String

    private enum Key: String, CodingKey { case type, value }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        type = try container.decode(String.self, forKey: .type)
        // Other types have values of other kinds; their name alone decides.
        value = (try? container.decode(String.self, forKey: .value)) ?? ""
    }

    /// - Throws: `RequestError`.
    func source() throws -> ImageSource {
        switch type {
        case "base64":
            if value.isEmpty { throw ServiceError.emptyImage }
            var value = value
            return .data(try value.withUTF8 { try ImageBody.base64(UnsafeRawBufferPointer($0)) })
        case "url": return .url(value)
        case "numpy": throw RequestError.numpyImage
        default: throw RequestError.unknownImageType
        }
    }
}

extension RequestError {
    /// What is wrong with a JSON body, in the words of the framework that the clients know.
    init(_ error: DecodingError) {
        func parameter(_ path: [any CodingKey], _ kind: String, _ expected: String) -> RequestError {
            .invalidParameter(
                InvalidParameter(
                    location: "body", name: path.dotted, kind: kind, expected: expected,
                    input: kind == "missing" ? "nothing" : "something else"))
        }
        switch error {
        case .keyNotFound(let key, let context):
            self = parameter(context.codingPath + [key], "missing", "a value")
        case .typeMismatch(let type, let context):
            self = parameter(context.codingPath, "type_error", "a value of type \(type)")
        case .valueNotFound(let type, let context):
            self = parameter(context.codingPath, "missing", "a value of type \(type)")
        case .dataCorrupted(let context):
            self = parameter(context.codingPath, "json_invalid", "JSON")
        @unknown default:
            self = .malformedJSON("it cannot be read.")
        }
    }
}
