import Imaging

/// Networks of two stages whose masks are small maps over their boxes: Mask R-CNN as detectron2 traces it, and two-stage models of
/// mmdeploy.
///
/// A map of, say, 28 x 28 probabilities lies over its box; a pixel is set where the map, sampled at the pixel's center and zero
/// outside, is at least one half.
///
/// Source: detectron2, `layers/mask_ops.py`, `paste_masks_in_image`; mmdeploy, `object_detection_model.py`.
struct RegionSegmentation: OutputDecoder {
    /// Where the numbers stand.
    enum Layout: Sendable {
        /// Corners, classes, maps, scores and size, in this order and without names.
        case detectron2(boxes: String, classes: String, maps: String, scores: String)
        /// `dets` `[1, n, 5]` with the corners and the score, `labels` `[1, n]`, `masks`.
        case mmdeploy
    }

    private let layout: Layout
    private let maskThreshold: Float

    /// detectron2's tracing leaves outputs without names; their ranks and types tell.
    static func detectron2Layout(_ model: ModelDescription) -> Layout? {
        let outputs = model.outputs
        guard outputs.map(\.shape.count) == [2, 1, 4, 1, 1], [4, nil].contains(outputs[0].shape[1].length),
            outputs[1].elementType == .int64, outputs[4].elementType == .int64
        else { return nil }
        return .detectron2(
            boxes: outputs[0].name, classes: outputs[1].name, maps: outputs[2].name, scores: outputs[3].name)
    }

    static func detectron2(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        guard let layout = detectron2Layout(model) else {
            throw SegmentationError.unrecognizedModel(found: model.summary, expected: ModelFamily.detectron2.layout)
        }
        // Mean and deviation are in the graph; images are resized by Pillow.
        let scaling = Normalization(divisor: 1, swapsRedAndBlue: true)
        let defaults = InputDefaults(
            resize: .shortestEdge, padding: .value(0), scaling: scaling, resampling: .bilinearAntialiased, divisor: 1,
            rounding: .halfUp)
        return try decoded(.detectron2, layout, model, configuration, usesSquareInput, defaults)
    }

    static func mmdeploy(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        let scaling = Normalization(
            divisor: 1, mean: [123.675, 116.28, 103.53], standardDeviation: [58.395, 57.12, 57.375])
        let defaults = InputDefaults(
            resize: .shortestEdge, padding: .value(0), scaling: scaling, divisor: 32, rounding: .halfUp)
        return try decoded(.mmdeploy, .mmdeploy, model, configuration, usesSquareInput, defaults)
    }

    private static func decoded(
        _ family: ModelFamily, _ layout: Layout, _ model: ModelDescription, _ configuration: ModelConfiguration,
        _ usesSquareInput: Bool, _ defaults: InputDefaults
    ) throws -> any SegmentationModel {
        DecodedModel(
            family,
            RegionSegmentation(layout: layout, maskThreshold: configuration.settings.maskThreshold ?? 0.5),
            input: try NetworkInput(model, configuration, usesSquareInput: usesSquareInput, defaults: defaults),
            classes: try ClassMap(slots: nil, configuration), configuration)
    }

    var recommendedConfidence: Float { 0.5 }
    var requiresNMS: Bool { false }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        let (boxes, classes, scores): ([BoundingBox], [Float], [Float])
        switch layout {
        case .detectron2(let boxesName, let classesName, _, let scoresName):
            (classes, scores) = (try result.output(classesName).elements, try result.output(scoresName).elements)
            let corners = try result.output(boxesName)
            guard corners.shape == [classes.count, 4], scores.count == classes.count else {
                throw SegmentationError.unexpectedShape(
                    tensor: boxesName, found: corners.shape, expected: "[\(classes.count), 4]")
            }
            boxes = corners.elements.corners(count: classes.count)
        case .mmdeploy: (boxes, classes, scores) = try result.mmdeployRows()
        }
        return Candidate.rows(boxes, slots: classes, scores: scores, confidence: confidence)
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> RegionMasks {
        let name = if case .detectron2(_, _, let maps, _) = layout { maps } else { "masks" }
        return try RegionMasks(try result.output(name), name: name, transform: transform, threshold: maskThreshold)
    }
}

extension InferenceResult {
    /// The boxes, classes and scores of mmdeploy's `dets` `[1, n, 5]` and `labels` `[1, n]`.
    func mmdeployRows() throws -> (boxes: [BoundingBox], classes: [Float], scores: [Float]) {
        let (dets, labels) = (try output("dets"), try output("labels"))
        let count = labels.count
        guard dets.shape.count == 3, dets.shape[0] == 1, dets.shape[1] == count, dets.shape[2] == 5 else {
            throw SegmentationError.unexpectedShape(tensor: "dets", found: dets.shape, expected: "[1, \(count), 5]")
        }
        let rows = dets.elements
        return (rows.corners(count: count, stride: 5), labels.elements, (0..<count).map { rows[5 * $0 + 4] })
    }
}
