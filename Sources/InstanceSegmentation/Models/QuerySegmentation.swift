import Imaging

/// Mask2Former, MaskFormer and EoMT: each query proposes a mask and a class; there are no boxes.
///
/// - `class_queries_logits` `[1, queries, classes + 1]`, the last slot is "no object".
/// - `masks_queries_logits` `[1, queries, height, width]`.
///
/// A query's score is the probability of its class times how sure the mask's pixels are. The families' own code measures that on
/// masks in a size of its own and enlarges them by repeating pixels; here it is measured on the network's own cells and masks are
/// sampled at the image's pixels, unless `followsReference` asks for the former.
///
/// Source: transformers, `post_process_instance_segmentation` of the three image processors.
struct QuerySegmentation: OutputDecoder {
    enum Kind: Sendable { case mask2former, maskformer, eomt }

    private let kind: Kind
    private let classes: String
    private let maps: String
    private let followsReference: Bool

    private static let names = [("class_queries_logits", "masks_queries_logits"), ("logits", "pred_masks")]

    private static func outputs(_ model: ModelDescription) -> (classes: String, maps: String)? {
        let ranks = Dictionary(model.outputs.map { ($0.name, $0.shape.count) }) { first, _ in first }
        return names.first { ranks[$0.0] == 3 && ranks[$0.1] == 4 }.map { (classes: $0.0, maps: $0.1) }
    }

    static func recognizes(_ model: ModelDescription) -> Bool { outputs(model) != nil }

    static func model(
        _ model: ModelDescription, _ configuration: ModelConfiguration, kind: Kind, family: ModelFamily,
        usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        guard let outputs = outputs(model) else {
            throw SegmentationError.unrecognizedModel(found: model.summary, expected: family.layout)
        }
        let slots = model.outputs.first { $0.name == outputs.classes }?.shape[2].length
        // EoMT pads the image, the others what became of it.
        let defaults = InputDefaults(
            resize: kind == .eomt ? .letterboxTopLeft : .stretch, padding: kind == .eomt ? .byte(0) : .value(0),
            scaling: InputDefaults.imageNet, resampling: .bilinearAntialiased)
        let decoder = QuerySegmentation(
            kind: kind, classes: outputs.classes, maps: outputs.maps,
            followsReference: configuration.settings.followsReference ?? false)
        return DecodedModel(
            family, decoder,
            input: try NetworkInput(model, configuration, usesSquareInput: usesSquareInput, defaults: defaults),
            classes: try ClassMap(slots: slots, configuration, background: slots.map { $0 - 1 }), configuration)
    }

    var recommendedConfidence: Float { kind == .eomt ? 0.8 : 0.5 }
    var requiresNMS: Bool { false }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        let (logits, maps) = (try result.output(classes), try result.output(maps))
        guard logits.shape.count == 3, logits.shape[0] == 1, logits.shape[2] >= 2, maps.shape.count == 4,
            maps.shape[0] == 1, maps.shape[1] == logits.shape[1],
            maps.shape.suffix(2).allSatisfy({ (1...ModelLimits.maskSide).contains($0) })
        else {
            throw SegmentationError.unexpectedShape(
                tensor: self.maps, found: maps.shape,
                expected:
                    "[1, queries, height, width] with sides from 1 to \(ModelLimits.maskSide), with \(self.classes) "
                    + "\(logits.shape)")
        }
        let (queries, slots) = (logits.shape[1], logits.shape[2])
        let probabilities = logits.withElements { elements in
            (0..<queries).map { softmax(elements[$0 * slots..<($0 + 1) * slots]) }
        }
        let measure = followsReference ? ReferenceMasks(kind: kind, maps: maps, transform: transform) : nil
        var pairs: [(probability: Float, query: Int, slot: Int)] = []
        for query in 0..<queries {
            let own = probabilities[query]
            if kind == .eomt {
                // One class a query: the likeliest.
                if let best = own.indices.dropLast().max(by: { own[$0] < own[$1] }), !own[best].isNaN {
                    pairs.append((own[best], query, best))
                }
            } else {
                pairs += (0..<slots - 1).compactMap { own[$0].isNaN ? nil : (own[$0], query, $0) }
            }
        }
        // The likeliest pairs, as many as there are queries; one query may come with two classes.
        pairs.sort { ($1.probability, $0.query, $0.slot) < ($0.probability, $1.query, $1.slot) }
        // At most 1, so that it is measured only for queries that could reach the threshold.
        var certainties = [Float?](repeating: nil, count: queries)
        var candidates: [Candidate] = []
        for (probability, query, slot) in pairs.prefix(queries) where probability >= confidence {
            try Task.checkCancellation()
            let certainty =
                certainties[query] ?? measure?.certainty(query) ?? maps.withMap(query, Self.certainty) ?? 0
            certainties[query] = certainty
            let score = probability * certainty
            guard score >= confidence, score > 0 else { continue }
            candidates.append(
                Candidate(
                    box: BoundingBox(x1: 0, y1: 0, x2: 0, y2: 0), confidence: score, outputClass: slot, index: query,
                    hasBox: false))
        }
        return candidates
    }

    /// How sure the pixels of a query's mask are: the mean probability of the cells that are set; 0 where none is.
    private static func certainty(_ map: UnsafeBufferPointer<Float>) -> Float {
        var (sum, count) = (Float(0), 0)
        for logit in map where logit > 0 {
            sum += sigmoid(logit)
            count += 1
        }
        return sum / (Float(count) + 1e-6)
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> Masks {
        let maps = try result.output(maps)
        return Masks(
            direct: try QueryMasks(maps, name: self.maps, transform: transform, resolution: resolution),
            reference: followsReference ? ReferenceMasks(kind: kind, maps: maps, transform: transform) : nil)
    }

    struct Masks: InstanceMasks {
        fileprivate let direct: QueryMasks
        fileprivate let reference: ReferenceMasks?

        func mask(of candidate: Candidate) -> Mask {
            reference?.mask(candidate.index) ?? direct.mask(of: candidate)
        }
    }
}
