import AnnotationFormats
import Foundation
import HostedAPI
import Imaging
import InstanceSegmentation
import Serving

/// How an answer is given.
enum ResponseFormat: Hashable, Sendable {
    case json
    case image
    case imageAndJSON
    /// In a format of other tools.
    case export(ExportFormat)

    /// The format of that name; any other name means JSON.
    init(name: String) {
        switch name {
        case "image": self = .image
        case "image_and_json": self = .imageAndJSON
        default: self = ExportFormat(rawValue: name).map(ResponseFormat.export) ?? .json
        }
    }
}

/// What a request asks for, read from its parameters.
struct PredictionRequest: Sendable {
    var options = PredictionOptions()
    /// Whether the model's recommended thresholds are asked for.
    var usesRecommendedThresholds = false
    /// Whether the client chose how much boxes may overlap.
    var hasExplicitIoU = false
    var format = ResponseFormat.json
    var maskFormat = MaskFormat.polygon
    var drawsLabels = false
    var lineWidth = 1
    var appliesOrientation = true
    /// How far simplified outlines may be from the mask's, in pixels.
    var simplification: Double?
    /// Whether the image is looked at in tiles.
    var tiling: Tiling?
    /// How long the client waits for its answer.
    var timeout: Duration?
    /// What formats of other tools call the image.
    var fileName = "image.jpg"

    static let timeoutRange = "a number of milliseconds, at least 1"

    /// The duration of `timeout`, at most a day. A longer time than the server's own limit means that limit.
    /// - Throws: `invalid` for a number that is less than 1.
    static func timeout(milliseconds: Double, else invalid: () -> RequestError) throws -> Duration {
        guard milliseconds >= 1 else { throw invalid() }
        return .milliseconds(Int(min(milliseconds, 86_400_000)))
    }

    init() {}

    /// Reads and checks the parameters of the hosted route. Unknown ones are ignored.
    /// - Throws: `RequestError`.
    init(_ parameters: Parameters) throws {
        if let word = try parameters.text("confidence"), ["best", "default"].contains(word) {
            usesRecommendedThresholds = true
        } else if let value = try parameters.number("confidence", expected: "a number from 0 to 100") {
            options.confidenceThreshold = Float(max(Double(percentOrFraction: value), 0.01))
        }
        let overlapRange = "a number from 0 to 100"
        if let overlap = try parameters.number("overlap", expected: overlapRange) {
            options.iouThreshold = Double(percentOrFraction: overlap)
            hasExplicitIoU = true
        }
        if let most = try parameters.integer("max_detections", expected: "a whole number, at least 1") {
            guard most >= 1 else { throw Self.outOfRange("max_detections", parameters, "a whole number, at least 1") }
            options.maxDetections = min(most, 300)
        }
        if let classes = try parameters.text("classes") {
            options.classes = Set(classes.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
        }
        options.isClassAgnostic = try parameters.boolean("class_agnostic_nms") ?? false
        format = ResponseFormat(name: try parameters.text("format") ?? "json")
        fileName = try parameters.text("name") ?? fileName
        if let tolerance = try parameters.number("simplify", expected: "a number of pixels from 0 to 1000") {
            guard (0...1000).contains(tolerance) else {
                throw Self.outOfRange("simplify", parameters, "a number of pixels from 0 to 1000")
            }
            simplification = tolerance
        }
        drawsLabels = try parameters.boolean("labels") ?? false
        if let stroke = try parameters.integer("stroke", expected: "a whole number") {
            lineWidth = min(max(stroke, 1), 100)
        }
        if let text = try parameters.checked("response_mask_format") {
            guard let found = MaskFormat(rawValue: text.text) else {
                throw RequestError.invalidParameter(
                    InvalidParameter(
                        location: text.location, name: "response_mask_format", kind: "enum",
                        expected: "'polygon' or 'rle'", input: text.text))
            }
            maskFormat = found
        }
        let factor = try parameters.checked("tradeoff_factor").map { text, _ in
            guard let value = Double(decimal: text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw RequestError.invalidMaskDecode
            }
            return value
        }
        options.maskResolution = try MaskResolution(mode: parameters.checked("mask_decode_mode")?.text, factor: factor)
        tiling = try Self.tiling(parameters)
        if let milliseconds = try parameters.number("timeout", expected: Self.timeoutRange) {
            timeout = try Self.timeout(milliseconds: milliseconds) {
                Self.outOfRange("timeout", parameters, Self.timeoutRange)
            }
        }
        if try parameters.text("image_type") == "numpy" { throw RequestError.numpyImage }
        appliesOrientation = !(try parameters.boolean("disable_preproc_auto_orient") ?? false)
        // Steps that no model has yet; what is asked of them is checked all the same.
        for step in ["contrast", "grayscale", "static_crop"] { _ = try parameters.boolean("disable_preproc_\(step)") }
    }

    /// How long a request may wait before its parameters are checked: its `timeout`, or nil where that is missing or wrong.
    static func patience(_ parameters: Parameters) -> Duration? {
        guard let text = parameters.value("timeout")?.text, let milliseconds = Double(decimal: text),
            (1...86_400_000).contains(milliseconds)
        else { return nil }
        return .milliseconds(Int(milliseconds))
    }

    /// The query for the service.
    func query(for id: ModelID, _ images: [ImageInput]) -> PredictionQuery {
        let pixels: PredictionQuery.Pixels =
            switch format {
            case .json: .none
            case .image, .imageAndJSON: .drawing(lineWidth: lineWidth, labels: drawsLabels)
            case .export: .none
            }
        let tracesOutlines = if case .export = format { false } else { format != .image }
        var query = PredictionQuery(
            modelID: id, images: images,
            segmentation: SegmentationQuery(
                options: options, usesRecommendedThresholds: usesRecommendedThresholds,
                hasExplicitIoU: hasExplicitIoU,
                tiling: tiling, tracesOutlines: tracesOutlines, simplification: simplification),
            appliesOrientation: appliesOrientation, pixels: pixels, timeout: timeout)
        if case .export(let format) = format { query.encoder = encoder(of: format) }
        return query
    }

    /// What writes the file of another tool. PNG files are made of every pixel, and take memory for each.
    private func encoder(of format: ExportFormat) -> AnswerEncoder {
        let bytesPerPixel =
            switch format {
            case .cutout: 5
            case .mask: 4
            default: 0
            }
        return AnswerEncoder(needsPixels: format == .cutout, bytesPerPixel: bytesPerPixel) {
            [fileName, simplification] segmentation, image, classNames in
            try format.file(
                for: ExportedImage(
                    file: fileName, segmentation: segmentation, classNames: classNames, image: image,
                    simplification: simplification))
        }
    }

    /// `tile` is the side of a tile, `tile_overlap` a share as clients write it.
    private static func tiling(_ parameters: Parameters) throws -> Tiling? {
        let expected = "a number of pixels from 64 to 8192"
        let share = try parameters.number("tile_overlap", expected: "a share below 90 percent")
        let overlap = share.map { Double(percentOrFraction: $0) } ?? 0.2
        guard overlap < 0.9 else { throw outOfRange("tile_overlap", parameters, "a share below 90 percent") }
        guard let side = try parameters.integer("tile", expected: expected) else { return nil }
        guard (64...8192).contains(side) else { throw outOfRange("tile", parameters, expected) }
        return Tiling(side: side, overlap: overlap)
    }

    private static func outOfRange(_ name: String, _ parameters: Parameters, _ expected: String) -> RequestError {
        let found = parameters.value(name)
        return .invalidParameter(
            InvalidParameter(
                location: found?.location ?? "query", name: name, kind: "value_error", expected: expected,
                input: found?.text ?? ""))
    }
}

extension MaskResolution {
    /// The resolution that a client names.
    /// - Parameters:
    ///   - mode: `accurate` (also where it is absent), `fast` or `tradeoff`.
    ///   - factor: of `tradeoff`, 0 as `fast`...1 as `accurate`.
    /// - Throws: `RequestError.invalidMaskDecode`.
    init(mode: String?, factor: Double?) throws {
        let factor = factor ?? 0
        guard (0...1).contains(factor) else { throw RequestError.invalidMaskDecode }
        switch mode ?? "accurate" {
        case "accurate": self = .image
        case "fast": self = .coarse(0)
        case "tradeoff": self = factor == 1 ? .image : .coarse(factor)
        default: throw RequestError.invalidMaskDecode
        }
    }
}
