import Imaging

/// D-FINE-seg: a transformer whose queries each propose a box, a mask, and a probability for every class, without a slot for the
/// background.
///
/// - Finished: `labels` `[1, k]`, `boxes` `[1, k, 4]` (corners in network pixels), `scores` `[1, k]`, `masks` `[1, k, h, w]`.
/// - Raw: `pred_logits` or `logits` `[1, queries, classes]`, `pred_boxes` or `boxes` `[1, queries, 4]` (center and size in 0...1),
///   `pred_masks` or `masks` `[1, queries, h, w]`.
///
/// Masks are probabilities, cut off at the box. The three tools that export it have predictors of their own: dfine-seg's (input `input`)
/// suppresses boxes that overlap by more than 0.7, of whatever classes; those of nitid (input `images`) and LibreYOLO resize images by
/// Pillow's filter; and LibreYOLO's resizes masks twice.
///
/// Source: dfine-seg 0.6.2, `infer/onnx_model.py` and `dl/export.py`; nitid 0.9.2, `dfine/exporter.py` and `dfine/predictor.py`; LibreYOLO 1.6,
/// `postprocess/dfine.py`.
struct DFINESegmentation: OutputDecoder {
    private enum Layout {
        case finished(labels: String, boxes: String, scores: String)
        case raw(logits: String, boxes: String)
    }

    /// The tool whose predictor is followed.
    private enum Origin { case dfineSeg, nitid, libreYOLO }

    private let layout: Layout
    private let origin: Origin
    private let maps: String
    private let maskThreshold: Float

    private static func outputs(_ model: ModelDescription) -> (layout: Layout, maps: String)? {
        let ranks = Dictionary(model.outputs.map { ($0.name, $0.shape.count) }) { first, _ in first }
        func has(_ name: String, _ rank: Int) -> Bool { ranks[name] == rank }
        if has("labels", 2), has("boxes", 3), has("scores", 2), has("masks", 4) {
            return (.finished(labels: "labels", boxes: "boxes", scores: "scores"), "masks")
        }
        // LibreYOLO exports other families under these names too.
        guard [nil, "dfine"].contains(LibreYOLOExport(model)?.family) else { return nil }
        for (logits, boxes, masks) in [("pred_logits", "pred_boxes", "pred_masks"), ("logits", "boxes", "masks")]
        where has(logits, 3) && has(boxes, 3) && has(masks, 4) {
            return (.raw(logits: logits, boxes: boxes), masks)
        }
        return nil
    }

    static func recognizes(_ model: ModelDescription) -> Bool { outputs(model) != nil }

    static func model(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        guard let (layout, maps) = outputs(model) else {
            throw SegmentationError.unrecognizedModel(found: model.summary, expected: ModelFamily.dfine.layout)
        }
        let isNitids = model.inputs.first?.name == "images"
        let origin: Origin = LibreYOLOExport(model) != nil ? .libreYOLO : isNitids ? .nitid : .dfineSeg
        var slots: Int?
        if case .raw(let logits, _) = layout { slots = model.outputs.first { $0.name == logits }?.shape[2].length }
        return DecodedModel(
            .dfine,
            DFINESegmentation(
                layout: layout, origin: origin, maps: maps,
                maskThreshold: configuration.settings.maskThreshold ?? 0.5),
            input: try NetworkInput(
                model, configuration, usesSquareInput: usesSquareInput,
                defaults: InputDefaults(
                    resize: .stretch, resampling: origin == .dfineSeg ? .bilinearFixedPoint : .bilinearAntialiased)),
            classes: try ClassMap(slots: slots, configuration), configuration)
    }

    var recommendedConfidence: Float { origin == .libreYOLO ? LibreYOLOExport.confidence : 0.5 }
    var recommendedIoU: Double? { requiresNMS ? 0.7 : nil }
    var requiresNMS: Bool { origin == .dfineSeg }
    var isClassAgnostic: Bool { requiresNMS }
    /// Only what is found twice goes; queries of neighbors are told apart by the network.
    var leastOverlap: Double { 0.7 }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        switch layout {
        case .finished(let labels, let boxes, let scores):
            let (slots, corners) = (try result.output(labels).elements, try result.output(boxes))
            let scores = try result.output(scores).elements
            guard corners.shape == [1, slots.count, 4], scores.count == slots.count else {
                throw SegmentationError.unexpectedShape(
                    tensor: boxes, found: corners.shape, expected: "[1, \(slots.count), 4]")
            }
            return Candidate.rows(
                corners.elements.corners(count: slots.count), slots: slots, scores: scores, confidence: confidence)
        case .raw(let logits, let boxes):
            return try Candidate.bestPairs(
                boxes: try result.output(boxes), logits: try result.output(logits), name: boxes, transform: transform,
                confidence: confidence, most: origin == .libreYOLO ? LibreYOLOExport.mostObjects : nil)
        }
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> Masks {
        let tensor = try result.output(maps)
        let whole = try QueryMasks(
            tensor, name: maps, transform: transform, resolution: resolution, threshold: maskThreshold.nextDown)
        guard origin == .libreYOLO, tensor.count > 0 else { return Masks(whole: whole, enlarged: nil) }
        let cells = ImageSize(width: tensor.shape[tensor.shape.count - 1], height: tensor.shape[tensor.shape.count - 2])
        let enlarged = EnlargedMasks(cells: cells, transform: transform, resolution: resolution)
        return Masks(whole: whole, enlarged: (enlarged, tensor, maskThreshold.nextDown))
    }

    /// Masks that end at their boxes.
    struct Masks: InstanceMasks {
        fileprivate let whole: QueryMasks
        fileprivate let enlarged: (masks: EnlargedMasks, maps: Tensor, threshold: Float)?

        func mask(of candidate: Candidate) -> Mask {
            guard let enlarged else { return whole.maskWithinBox(of: candidate) }
            let mask = enlarged.maps.withMap(candidate.index) {
                enlarged.masks.mask($0, within: candidate.box, threshold: enlarged.threshold)
            }
            return mask ?? whole.maskWithinBox(of: candidate)
        }
    }
}

extension Candidate {
    /// The likeliest pairs of a query and a slot; one query may come with two slots.
    /// - Parameters:
    ///   - boxes: `[1, queries, 4]`: center and size in 0...1 of the input.
    ///   - logits: `[1, queries, slots]`.
    ///   - name: of the boxes, for errors.
    ///   - most: at most this many; `nil` for as many as there are queries.
    static func bestPairs(
        boxes: Tensor, logits: Tensor, name: String, transform: ImageTransform, confidence: Float, most: Int? = nil
    ) throws -> [Candidate] {
        let shape = logits.shape
        guard shape.count == 3, shape[0] == 1, boxes.shape == [1, shape[1], 4] else {
            throw SegmentationError.unexpectedShape(
                tensor: name, found: boxes.shape, expected: "[1, queries, 4] with scores \(shape)")
        }
        let (queries, slots) = (shape[1], shape[2])
        let (width, height) = (Double(transform.networkSize.width), Double(transform.networkSize.height))
        var pairs: [(score: Float, index: Int)] = logits.withElements { logits in
            logits.indices.compactMap { index in
                let score = sigmoid(logits[index])
                return score >= confidence ? (score, index) : nil
            }
        }
        pairs.sort { $0.score != $1.score ? $0.score > $1.score : $0.index < $1.index }
        return boxes.withElements { boxes in
            pairs.prefix(most ?? queries).map { score, index in
                let at = 4 * (index / slots)
                return Candidate(
                    box: BoundingBox(
                        centerX: Double(boxes[at]) * width, centerY: Double(boxes[at + 1]) * height,
                        width: Double(boxes[at + 2]) * width, height: Double(boxes[at + 3]) * height),
                    confidence: score, outputClass: index % slots, index: index / slots)
            }
        }
    }
}
