import Imaging

/// RTMDet-Ins as mmdeploy exports it, with suppression in the graph and masks of the input's size.
///
/// - `dets` `[1, n, 5]`: corners in network pixels and score; rows with score 0 are padding.
/// - `labels` `[1, n]`. `masks` `[1, n, height, width]`: probabilities.
///
/// Source: mmdeploy, `codebase/mmdet/deploy/object_detection_model.py`, `End2EndModel`; masks are enlarged bilinearly here, not by
/// repeating pixels.
struct RTMDetSegmentation: OutputDecoder {
    private let maskThreshold: Float

    /// Blue first; mean and deviation in the order of the image's channels.
    static let inputDefaults = InputDefaults(
        resize: .letterboxTopLeft,
        scaling: Normalization(
            divisor: 1, mean: [123.675, 116.28, 103.53], standardDeviation: [58.395, 57.12, 57.375],
            swapsRedAndBlue: true),
        rounding: .halfUp)

    /// mmdeploy's three outputs.
    static func hasOutputs(_ model: ModelDescription) -> Bool {
        let byName = Dictionary(model.outputs.map { ($0.name, $0) }) { first, _ in first }
        guard let dets = byName["dets"], let labels = byName["labels"], let masks = byName["masks"] else {
            return false
        }
        return dets.shape.count == 3 && [5, nil].contains(dets.shape[2].length) && labels.shape.count == 2
            && masks.shape.count >= 3
    }

    /// Whether the masks are small maps over the boxes rather than of the input's size.
    static func hasRegionMasks(_ model: ModelDescription) -> Bool {
        guard let shape = model.outputs.first(where: { $0.name == "masks" })?.shape.suffix(2) else { return false }
        return shape.allSatisfy { ($0.length ?? .max) <= 56 }
    }

    static func model(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        guard hasOutputs(model) else {
            throw SegmentationError.unrecognizedModel(found: model.summary, expected: ModelFamily.rtmdetIns.layout)
        }
        return DecodedModel(
            .rtmdetIns, RTMDetSegmentation(maskThreshold: configuration.settings.maskThreshold ?? 0.5),
            input: try NetworkInput(model, configuration, usesSquareInput: usesSquareInput, defaults: inputDefaults),
            classes: try ClassMap(slots: nil, configuration), configuration)
    }

    var recommendedConfidence: Float { 0.3 }
    var requiresNMS: Bool { false }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        let (boxes, classes, scores) = try result.mmdeployRows()
        return Candidate.rows(boxes, slots: classes, scores: scores, confidence: confidence)
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> QueryMasks {
        try QueryMasks(
            try result.output("masks"), name: "masks", transform: transform, resolution: resolution,
            threshold: maskThreshold.nextDown)
    }
}
