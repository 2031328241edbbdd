import Foundation
import Imaging

/// YOLACT: boxes as offsets to fixed ones, and masks as sums of prototypes.
///
/// - loc `[1, boxes, 4]`, conf `[1, boxes, classes + 1]` with the background first, coefficients `[1, boxes, 32]`, priors
///   `[boxes, 4]` (centre and size in 0...1), prototypes `[1, height, width, 32]`, in this order, under any names.
///
/// Source: Bolya et al., *YOLACT* (2019); `layers/box_utils.py`, `decode`.
struct YOLACTSegmentation: OutputDecoder {
    private let offsets: String
    private let scores: String
    private let coefficients: String
    private let priors: String?
    private let prototypes: String

    private static func outputs(_ model: ModelDescription) -> YOLACTSegmentation? {
        let maps = model.outputs.filter { $0.shape.count == 4 }
        guard maps.count == 1, let count = maps[0].shape[3].length, maps[0].shape[1] == maps[0].shape[2] else {
            return nil
        }
        let rows = model.outputs.filter { $0.shape.count == 3 }
        guard rows.count == 3, let offsets = rows.first(where: { $0.shape[2].length == 4 }),
            let coefficients = rows.last(where: { $0.shape[2].length == count && $0.name != offsets.name }),
            let scores = rows.first(where: { $0.name != offsets.name && $0.name != coefficients.name })
        else { return nil }
        let priors = model.outputs.first { $0.shape.count == 2 && $0.shape[1].length == 4 }
        return YOLACTSegmentation(
            offsets: offsets.name, scores: scores.name, coefficients: coefficients.name, priors: priors?.name,
            prototypes: maps[0].name)
    }

    static func recognizes(_ model: ModelDescription) -> Bool { outputs(model) != nil }

    static func model(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        guard let decoder = outputs(model) else {
            throw SegmentationError.unrecognizedModel(found: model.summary, expected: ModelFamily.yolact.layout)
        }
        // Column 0 is the background: the names begin with column 1.
        let slots = model.outputs.first { $0.name == decoder.scores }?.shape[2].length.map { $0 - 1 }
        let scaling = PixelScaling(divisor: 1, mean: [123.68, 116.78, 103.94], deviation: [58.40, 57.12, 57.38])
        return DecodedModel(
            .yolact, decoder,
            input: try NetworkInput(
                model, configuration, usesSquareInput: usesSquareInput,
                defaults: InputDefaults(resize: .stretch, scaling: scaling)),
            classes: try ClassMap(slots: slots, configuration), configuration)
    }

    var ownConfidence: Float { 0.3 }
    var needsSuppression: Bool { true }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        let (offsets, scores) = (try result.output(offsets), try result.output(scores))
        guard scores.shape.count == 3, scores.shape[0] == 1, scores.shape[2] >= 2,
            offsets.shape == [1, scores.shape[1], 4]
        else {
            throw SegmentationError.unexpectedShape(
                tensor: self.scores, found: scores.shape, expected: "[1, boxes, classes + 1] beside \(offsets.shape)")
        }
        let (count, columns) = (scores.shape[1], scores.shape[2])
        let priors = try priors.map { try result.output($0).elements } ?? Self.standardPriors
        guard priors.count == 4 * count else {
            throw SegmentationError.unexpectedShape(
                tensor: "priors", found: [priors.count / 4, 4], expected: "[\(count), 4]")
        }
        let (width, height) = (Double(transform.networkSize.width), Double(transform.networkSize.height))
        return offsets.withElements { offsets in
            scores.withElements { scores in
                (0..<count).compactMap { index -> Candidate? in
                    var row = Array(scores[index * columns..<(index + 1) * columns])
                    // Some exports leave the softmax out.
                    if abs(row.reduce(0, +) - 1) > 0.01 {
                        row = softmax(scores[index * columns..<(index + 1) * columns])
                    }
                    guard let best = row.indices.dropFirst().max(by: { row[$0] < row[$1] }), row[best] >= confidence
                    else { return nil }
                    func prior(_ i: Int) -> Double { Double(priors[4 * index + i]) }
                    func offset(_ i: Int) -> Double { Double(offsets[4 * index + i]) }
                    let box = BoundingBox(
                        centerX: (prior(0) + 0.1 * offset(0) * prior(2)) * width,
                        centerY: (prior(1) + 0.1 * offset(1) * prior(3)) * height,
                        width: prior(2) * exp(0.2 * offset(2)) * width, height: prior(3) * exp(0.2 * offset(3)) * height
                    )
                    return Candidate(box: box, confidence: row[best], classID: best - 1, index: index)
                }
            }
        }
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> Masks {
        let tensor = try result.output(prototypes)
        guard tensor.shape.count == 4, tensor.shape[0] == 1, tensor.count > 0 else {
            throw SegmentationError.unexpectedShape(
                tensor: prototypes, found: tensor.shape, expected: "[1, height, width, coefficients]")
        }
        let own = try result.output(coefficients)
        guard own.shape == [1, try result.output(offsets).shape.dropFirst().first ?? 0, tensor.shape[3]] else {
            throw SegmentationError.unexpectedShape(
                tensor: coefficients, found: own.shape, expected: "[1, boxes, \(tensor.shape[3])]")
        }
        // Prototypes by plane, as the other families have them.
        let (cells, count) = (tensor.shape[1] * tensor.shape[2], tensor.shape[3])
        let planes = tensor.withElements { elements in
            (0..<count).flatMap { k in (0..<cells).map { elements[$0 * count + k] } }
        }
        return Masks(
            prototypes: try PrototypeMasks(
                Tensor(shape: [1, count, tensor.shape[1], tensor.shape[2]], elements: planes), transform: transform,
                resolution: resolution),
            coefficients: own)
    }

    struct Masks: InstanceMasks {
        fileprivate let prototypes: PrototypeMasks
        fileprivate let coefficients: Tensor

        func mask(of candidate: Candidate) -> Mask {
            let count = prototypes.count
            let own = coefficients.withElements { Array($0[candidate.index * count..<(candidate.index + 1) * count]) }
            return prototypes.mask(coefficients: own, networkBox: candidate.box)
        }
    }

    /// The boxes of the published configuration at 550 x 550, for exports that leave them out. Their heights are their widths,
    /// which is how the weights were trained.
    private static let standardPriors: [Float] = {
        var priors: [Float] = []
        for (cells, scale) in [(69, 24.0), (35, 48), (18, 96), (9, 192), (5, 384)] {
            for row in 0..<cells {
                for column in 0..<cells {
                    for ratio in [1, 0.5, 2.0] {
                        let side = Float(scale * ratio.squareRoot() / 550)
                        priors += [(Float(column) + 0.5) / Float(cells), (Float(row) + 0.5) / Float(cells), side, side]
                    }
                }
            }
        }
        return priors
    }()
}
