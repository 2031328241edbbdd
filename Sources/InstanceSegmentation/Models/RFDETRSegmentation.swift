import Imaging

/// RF-DETR-Seg: a transformer whose queries each propose a box, a mask, and a score for every class.
///
/// - `dets` `[1, queries, 4]`: center and size in 0...1 of the input.
/// - `labels` `[1, queries, slots]`: logits. Three generations of heads differ in their slots, which the names alone tell apart: those
///   of COCO's numbers (91), those of a list of names that has the background among them at its slot, and those of a list with one more
///   slot for "no object", or without one.
/// - a third output `[1, queries, height / 4, width / 4]`: logits of masks, which may reach outside the box.
///
/// Source: rfdetr, `models/postprocess.py`, `PostProcess`.
struct RFDETRSegmentation: OutputDecoder {
    private let boxes: String
    private let labels: String
    private let masks: String
    let recommendedConfidence: Float
    private let most: Int?

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
        var background: Int?
        if slots == 91, configuration.names.isEmpty || configuration.hasNamesOfCOCO {
            // The published weights.
            configuration.useCOCOCategories()
        } else if configuration.names.isEmpty {
            background = slots.map { $0 - 1 }
        }
        // LibreYOLO's predictor averaged, as older versions of rfdetr's did.
        let libreYOLO = LibreYOLOExport(model)
        let averages = libreYOLO?.isBefore(1, 6) ?? false
        let defaults = InputDefaults(
            resize: .stretch, scaling: InputDefaults.imageNet, resampling: averages ? .bilinearAntialiased : .bilinear,
            stretchesPackages: true)
        return DecodedModel(
            .rfdetr,
            RFDETRSegmentation(
                boxes: "dets", labels: "labels", masks: maps.name,
                recommendedConfidence: libreYOLO == nil ? 0.5 : LibreYOLOExport.confidence,
                most: libreYOLO?.mostObjectsOfRFDETR
            ),
            input: try NetworkInput(model, configuration, usesSquareInput: usesSquareInput, defaults: defaults),
            classes: try ClassMap(
                slots: slots ?? configuration.names.keys.max().map { $0 + 1 }, configuration, background: background,
                endsWithNames: configuration.settings.background == nil),
            configuration)
    }

    var requiresNMS: Bool { false }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        try Candidate.bestPairs(
            boxes: try result.output(boxes), logits: try result.output(labels), name: boxes, transform: transform,
            confidence: confidence, most: most)
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> QueryMasks {
        try QueryMasks(try result.output(masks), name: masks, transform: transform, resolution: resolution)
    }
}
