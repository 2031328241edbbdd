import Imaging

/// RF-DETR-Seg: a transformer whose queries each propose a box, a mask, and a score for every class.
///
/// - `dets` `[1, queries, 4]`: centre and size in 0...1 of the input.
/// - `labels` `[1, queries, classes + 1]`: logits, the last slot is "no object".
/// - a third output `[1, queries, height / 4, width / 4]`: logits of masks, which may reach outside the box.
///
/// Source: rfdetr, `models/postprocess.py`, `PostProcess`.
struct RFDETRSegmentation: OutputDecoder {
    private let boxes: String
    private let labels: String
    private let masks: String
    /// Whether the last slot is "no object"; the published weights for COCO have none.
    private let hasNothingSlot: Bool

    static func recognizes(_ model: ModelDescription) -> Bool {
        guard let dets = model.outputs.first(where: { $0.name == "dets" }),
            let labels = model.outputs.first(where: { $0.name == "labels" })
        else { return false }
        return dets.shape.count == 3 && labels.shape.count == 3 && [4, nil].contains(dets.shape[2].length)
            && model.outputs.filter { $0.shape.count == 4 }.count == 1
    }

    static func model(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        guard let maps = model.outputs.first(where: { $0.shape.count == 4 }), recognizes(model) else {
            throw SegmentationError.unrecognizedModel(found: model.summary, expected: ModelFamily.rfdetr.layout)
        }
        let slots = model.outputs.first { $0.name == "labels" }?.shape[2].length
        var configuration = configuration
        let isCOCO = slots == 91 && configuration.names.isEmpty
        if isCOCO {
            // The published weights have a slot for each of COCO's numbers, which have gaps; those without a name are never right.
            configuration.names = COCOCategories.names
            configuration.dropsUnnamedClasses = true
        }
        configuration.removeMarkedBackground()
        let defaults = InputDefaults(resize: .stretch, scaling: InputDefaults.imageNet, resampling: .exact)
        return DecodedModel(
            .rfdetr,
            RFDETRSegmentation(
                boxes: "dets", labels: "labels", masks: maps.name,
                hasNothingSlot: !isCOCO && configuration.settings.background == nil),
            input: try NetworkInput(model, configuration, usesSquareInput: usesSquareInput, defaults: defaults),
            classes: try ClassMap(
                slots: slots ?? configuration.names.keys.max().map { $0 + 2 }, configuration,
                background: isCOCO ? nil : slots.map { $0 - 1 }),
            configuration)
    }

    var ownConfidence: Float { 0.5 }
    var needsSuppression: Bool { false }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        let (boxes, labels) = (try result.output(boxes), try result.output(labels))
        let shape = labels.shape
        guard shape.count == 3, shape[0] == 1, boxes.shape == [1, shape[1], 4] else {
            throw SegmentationError.unexpectedShape(
                tensor: self.boxes, found: boxes.shape, expected: "[1, queries, 4] beside labels \(shape)")
        }
        let (queries, slots) = (shape[1], shape[2])
        let (width, height) = (Double(transform.networkSize.width), Double(transform.networkSize.height))
        // The best pairs of query and slot, as many as there are queries; one query may come with two classes.
        var pairs: [(score: Float, index: Int)] = labels.withElements { logits in
            logits.indices.compactMap { index in
                let score = sigmoid(logits[index])
                return score >= confidence ? (score, index) : nil
            }
        }
        pairs.sort { $0.score != $1.score ? $0.score > $1.score : $0.index < $1.index }
        return boxes.withElements { boxes in
            pairs.prefix(queries).filter { !hasNothingSlot || $0.index % slots < slots - 1 }.map { score, index in
                let at = 4 * (index / slots)
                return Candidate(
                    box: BoundingBox(
                        centerX: Double(boxes[at]) * width, centerY: Double(boxes[at + 1]) * height,
                        width: Double(boxes[at + 2]) * width, height: Double(boxes[at + 3]) * height),
                    confidence: score, classID: index % slots, index: index / slots)
            }
        }
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> QueryMasks {
        try QueryMasks(try result.output(masks), name: masks, transform: transform, resolution: resolution)
    }
}

extension ModelConfiguration {
    /// Roboflow's trainings list a background among their classes, which is none; the names behind it move down by one.
    mutating func removeMarkedBackground() {
        guard let slot = names.first(where: { $0.value == "background_class83422" })?.key else { return }
        names = Dictionary(
            uniqueKeysWithValues: names.filter { $0.key != slot }.map {
                ($0.key > slot ? $0.key - 1 : $0.key, $0.value)
            })
    }
}
