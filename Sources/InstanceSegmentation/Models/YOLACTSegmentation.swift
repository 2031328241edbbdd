import Foundation
import Imaging

/// YOLACT: boxes as offsets to fixed ones, and masks as sums of prototypes.
///
/// Exports of Yolact_minimal have conf before loc, no priors, and images in the upper left corner of a square.
///
/// - loc `[1, boxes, 4]`, conf `[1, boxes, classes + 1]` with the background first, coefficients `[1, boxes, 32]`, priors
///   `[boxes, 4]` (center and size in 0...1), prototypes `[1, height, width, 32]`, in this order, under any names.
///
/// Source: Bolya et al., *YOLACT* (2019); `layers/box_utils.py`, `decode`; Yolact_minimal, `modules/yolact.py`.
struct YOLACTSegmentation: OutputDecoder {
    private let offsets: String
    private let scores: String
    private let coefficients: String
    private let priors: String?
    private let prototypes: String
    /// The boxes of an export without priors.
    private let standardPriors: YOLACTPriors
    /// Whether scores come before offsets, as in Yolact_minimal's exports, whose images and boxes differ as well.
    private var isMinimal: Bool { standardPriors == .byRatio }

    private static func outputs(_ model: ModelDescription) -> YOLACTSegmentation? {
        let maps = model.outputs.filter { $0.shape.count == 4 }
        guard maps.count == 1, let count = maps[0].shape[3].length, maps[0].shape[1] == maps[0].shape[2] else {
            return nil
        }
        let rows = model.outputs.filter { $0.shape.count == 3 }
        let priors = model.outputs.first { $0.shape.count == 2 && $0.shape[1].length == 4 }
        guard rows.count == 3, let coefficients = rows.last(where: { $0.shape[2].length == count }) else { return nil }
        let pair = rows.filter { $0.name != coefficients.name }
        guard pair.count == 2, let offsets = offsets(in: pair, model, hasPriors: priors != nil),
            let scores = pair.first(where: { $0.name != offsets.name })
        else { return nil }
        // With priors in the file the order does not matter.
        let isMinimal = priors == nil && scores.name == pair[0].name
        return YOLACTSegmentation(
            offsets: offsets.name, scores: scores.name, coefficients: coefficients.name, priors: priors?.name,
            prototypes: maps[0].name, standardPriors: isMinimal ? .byRatio : .square)
    }

    /// Which of two outputs has the offsets: the one of four numbers. With three classes scores have four as well; those of a run add up
    /// to 1. Else the order tells.
    private static func offsets(in pair: [TensorDescription], _ model: ModelDescription, hasPriors: Bool)
        -> TensorDescription?
    {
        let four = pair.filter { $0.shape[2].length == 4 }
        guard four.count == 2 else { return four.first }
        let shares = pair.filter { model.trial?.outputs[$0.name]?.hasRowsOfShares ?? false }
        if shares.count == 1 { return pair.first { $0.name != shares[0].name } }
        return hasPriors ? pair[0] : pair[1]
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
        var configuration = configuration
        configuration.dropNamedBackground(ofClasses: slots)
        let scaling = Normalization(
            divisor: 1, mean: [123.68, 116.78, 103.94], standardDeviation: [58.40, 57.12, 57.38])
        let defaults = InputDefaults(
            resize: decoder.isMinimal ? .letterboxTopLeft : .stretch, padding: .value(0), scaling: scaling,
            resampling: .bilinear)
        let input = try NetworkInput(model, configuration, usesSquareInput: usesSquareInput, defaults: defaults)
        try decoder.checkPriors(model, for: input)
        return DecodedModel(
            .yolact, decoder, input: input,
            classes: try ClassMap(slots: slots, configuration), configuration)
    }

    var recommendedConfidence: Float { 0.3 }
    var requiresNMS: Bool { true }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        let (offsets, scores) = (try result.output(offsets), try result.output(scores))
        guard scores.shape.count == 3, scores.shape[0] == 1, scores.shape[2] >= 2,
            offsets.shape == [1, scores.shape[1], 4]
        else {
            throw SegmentationError.unexpectedShape(
                tensor: self.scores, found: scores.shape, expected: "[1, boxes, classes + 1] with \(offsets.shape)")
        }
        let (count, columns) = (scores.shape[1], scores.shape[2])
        let priors =
            try priors.map { try result.output($0).elements } ?? standardPriors.boxes(for: transform.networkSize)
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
                    return Candidate(box: box, confidence: row[best], outputClass: best - 1, index: index)
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

    /// Refuses an export without priors whose number of boxes is not that of an input of this size.
    private func checkPriors(_ model: ModelDescription, for input: NetworkInput) throws {
        guard priors == nil, let found = model.outputs.first(where: { $0.name == offsets })?.shape[1].length else {
            return
        }
        let size = input.transform(for: ImageSize(width: 640, height: 640)).networkSize
        let expected = YOLACTPriors.count(for: size)
        guard found == expected else {
            throw SegmentationError.unexpectedShape(
                tensor: offsets, found: [found, 4],
                expected: "[\(expected), 4] for an input of \(size.width)x\(size.height), or an output with the priors")
        }
    }
}

extension Tensor {
    /// Whether the first rows of the last dimension are shares that add up to 1.
    fileprivate var hasRowsOfShares: Bool {
        guard let length = shape.last, length > 0, count >= length else { return false }
        return withElements { elements in
            (0..<min(count / length, 64)).allSatisfy { row in
                let numbers = elements[row * length..<(row + 1) * length]
                return numbers.allSatisfy { $0 >= 0 } && abs(numbers.reduce(0, +) - 1) <= 0.01
            }
        }
    }
}
