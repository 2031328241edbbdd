import Imaging

/// Mask R-CNN as torchvision exports it: everything is in the graph, resizing and suppression too, and masks come pasted.
///
/// - `boxes` `[n, 4]`: corners in pixels of the input, which is the image.
/// - `labels` `[n]`, counted from 1; 0 is the background and never comes. LibreYOLO's exports count from 0, without a background.
///   `scores` `[n]`.
/// - `masks` `[n, 1, height, width]`: probabilities.
///
/// Source: torchvision, `models/detection/roi_heads.py` and `transform.py`.
struct MaskRCNNSegmentation: OutputDecoder {
    private let maskThreshold: Float
    /// Names of the outputs.
    private let boxes: String
    private let labels: String
    private let scores: String
    private let maps: String
    let recommendedConfidence: Float

    /// The outputs by their names, or by their order where the export left them without.
    private static func outputs(_ model: ModelDescription) -> [String]? {
        let names = ["boxes", "labels", "scores", "masks"]
        let ranks = Dictionary(model.outputs.map { ($0.name, $0.shape.count) }) { first, _ in first }
        if names.map({ ranks[$0] }) == [2, 1, 1, 4] { return names }
        let inOrder = model.outputs
        guard inOrder.map(\.shape.count) == [2, 1, 1, 4], inOrder[1].elementType == .int64,
            [4, nil].contains(inOrder[0].shape[1].length)
        else { return nil }
        return inOrder.map(\.name)
    }

    static func recognizes(_ model: ModelDescription) -> Bool { outputs(model) != nil }

    static func model(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        guard let outputs = outputs(model) else {
            throw SegmentationError.unrecognizedModel(found: model.summary, expected: ModelFamily.maskRCNN.layout)
        }
        var configuration = configuration
        // LibreYOLO's export counts from 0, without the background and without gaps.
        let countsFromZero = LibreYOLOExport(model) != nil
        if !countsFromZero { configuration.startNamesAtOne() }
        let sides = model.inputs.first.map { $0.shape.suffix(2) } ?? []
        let isFixed = sides.allSatisfy { $0.length != nil }
        // The longest side bounds what the graph pastes: a mask of the image's size for each object. Into an input of fixed size LibreYOLO's
        // predictor stretches images.
        let defaults = InputDefaults(
            resize: countsFromZero && isFixed ? .stretch : .none, padding: .byte(0), divisor: 1)
        return DecodedModel(
            .maskRCNN,
            MaskRCNNSegmentation(
                maskThreshold: configuration.settings.maskThreshold ?? 0.5, boxes: outputs[0], labels: outputs[1],
                scores: outputs[2], maps: outputs[3],
                recommendedConfidence: countsFromZero ? LibreYOLOExport.confidence : 0.5),
            input: try NetworkInput(model, configuration, usesSquareInput: usesSquareInput, defaults: defaults),
            classes: try ClassMap(
                slots: nil, configuration, first: countsFromZero ? 0 : 1, background: countsFromZero ? nil : 0),
            configuration)
    }

    var requiresNMS: Bool { false }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        let (boxes, labels, scores) = (
            try result.output(boxes), try result.output(labels).elements, try result.output(scores).elements
        )
        guard boxes.shape == [labels.count, 4], scores.count == labels.count else {
            throw SegmentationError.unexpectedShape(
                tensor: self.boxes, found: boxes.shape, expected: "[\(labels.count), 4]")
        }
        return Candidate.rows(
            boxes.elements.corners(count: labels.count), slots: labels, scores: scores, confidence: confidence)
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> QueryMasks {
        try QueryMasks(
            try result.output(maps), name: maps, transform: transform, resolution: resolution,
            threshold: maskThreshold.nextDown)
    }
}

extension Candidate {
    /// The objects of a graph that gives finished rows. A score of 0 is padding.
    static func rows(_ boxes: [BoundingBox], slots: [Float], scores: [Float], confidence: Float) -> [Candidate] {
        boxes.indices.compactMap { index in
            guard scores[index] >= confidence, scores[index] > 0,
                let slot = Int(exactly: slots[index].rounded()), slot >= 0
            else { return nil }
            return Candidate(box: boxes[index], confidence: scores[index], outputClass: slot, index: index)
        }
    }
}

extension [Float] {
    /// Boxes of which each has `stride` numbers, the first four of them its corners.
    func corners(count: Int, stride: Int = 4) -> [BoundingBox] {
        (0..<count).map { i in
            let at = i * stride
            return BoundingBox(
                x1: Double(self[at]), y1: Double(self[at + 1]), x2: Double(self[at + 2]), y2: Double(self[at + 3]))
        }
    }
}
