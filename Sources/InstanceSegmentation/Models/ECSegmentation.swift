import Imaging

/// EdgeCrafter's ECSeg and GTR, as LibreYOLO exports them: a transformer whose queries each propose a box, a mask, and a score for every
/// class, without a slot for the background.
///
/// - `pred_logits` `[1, queries, classes]`: logits.
/// - `pred_boxes` `[1, queries, 4]`: center and size in 0...1 of the input.
/// - `pred_masks` `[1, queries, height, width]`: logits of masks, which may reach outside the box.
///
/// D-FINE-seg's raw outputs have the same names with probabilities as masks; the metadata `model_family` tells them apart.
///
/// Source: LibreYOLO 1.6, `backends/base.py`, `_parse_ec_segment`; `preprocess/ec.py`; `preprocess/deimv2.py`.
struct ECSegmentation: OutputDecoder {
    private let logits = "pred_logits"
    private let boxes = "pred_boxes"
    private let maps: String

    private static func maps(_ model: ModelDescription) -> String? {
        let ranks = Dictionary(model.outputs.map { ($0.name, $0.shape.count) }) { first, _ in first }
        let maps = model.outputs.filter { $0.shape.count == 4 }
        return ranks["pred_logits"] == 3 && ranks["pred_boxes"] == 3 && maps.count == 1 ? maps[0].name : nil
    }

    static func recognizes(_ model: ModelDescription) -> Bool {
        maps(model) != nil && ["ec", "gtr"].contains(LibreYOLOExport(model)?.family)
    }

    static func model(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        guard let maps = maps(model) else {
            throw SegmentationError.unrecognizedModel(found: model.summary, expected: ModelFamily.ec.layout)
        }
        let slots = model.outputs.first { $0.name == "pred_logits" }?.shape[2].length
        let defaults = InputDefaults(
            resize: .stretch, scaling: InputDefaults.imageNet, resampling: .bilinearAntialiased)
        return DecodedModel(
            .ec, ECSegmentation(maps: maps),
            input: try NetworkInput(model, configuration, usesSquareInput: usesSquareInput, defaults: defaults),
            classes: try ClassMap(slots: slots, configuration), configuration)
    }

    private init(maps: String) { self.maps = maps }

    var recommendedConfidence: Float { LibreYOLOExport.confidence }
    var requiresNMS: Bool { false }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        try Candidate.bestPairs(
            boxes: try result.output(boxes), logits: try result.output(logits), name: boxes, transform: transform,
            confidence: confidence, most: LibreYOLOExport.mostObjects)
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> QueryMasks {
        try QueryMasks(try result.output(maps), name: maps, transform: transform, resolution: resolution)
    }
}
