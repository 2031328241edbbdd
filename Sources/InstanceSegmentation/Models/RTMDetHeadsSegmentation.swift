import Imaging

/// RTMDet-Ins as its heads leave it, for exports without post-processing in the graph.
///
/// For each level, with cells of 8, 16 and 32 pixels:
/// - classes `[1, classes, h, w]`: logits.
/// - boxes `[1, 4, h, w]`: distances to the left, top, right and bottom side in network pixels, from the cell's corner.
/// - kernels `[1, 169, h, w]`: the weights and biases of three convolutions of 1 x 1.
///
/// And once `features` `[1, 8, height / 8, width / 8]`. The mask of an object is made from the features, and from where each cell
/// lies relative to the object, by the object's own convolutions.
///
/// Every class of a cell that reaches the confidence is a detection of its own.
///
/// Source: mmdetection, `models/dense_heads/rtmdet_ins_head.py`, `RTMDetInsHead` and `_mask_predict_by_feat_single`; Tian et al.,
/// *Conditional Convolutions for Instance Segmentation* (2020).
struct RTMDetHeadsSegmentation: OutputDecoder {
    /// Weights 8 x 10, 8 x 8, 1 x 8, then biases 8, 8, 1.
    static let kernelLength = 169

    private struct Level {
        let classes: String
        let boxes: String
        let kernels: String
    }

    private let levels: [Level]
    private let features: String
    private let slots: Int

    /// The outputs by their numbers of channels; classes that have as many as another output are told by mmdetection's order:
    /// classes, boxes, kernels, features.
    private static func decoder(_ model: ModelDescription) -> RTMDetHeadsSegmentation? {
        let maps = model.outputs.filter { $0.shape.count == 4 }
        let kernels = maps.filter { $0.shape[1].length == kernelLength }
        let count = kernels.count
        guard count > 0, maps.count == 3 * count + 1, maps.count == model.outputs.count,
            let features = maps.last(where: { $0.shape[1].length == 8 })
        else { return nil }
        var boxes = maps.filter { $0.shape[1].length == 4 }
        if boxes.count != count { boxes = Array(maps[count..<2 * count]) }
        let taken = Set((boxes + kernels + [features]).map(\.name))
        let classes = maps.filter { !taken.contains($0.name) }
        guard classes.count == count, boxes.allSatisfy({ $0.shape[1].length == 4 }),
            let slots = classes[0].shape[1].length, classes.allSatisfy({ $0.shape[1].length == slots })
        else { return nil }
        let levels = (0..<count).map {
            Level(classes: classes[$0].name, boxes: boxes[$0].name, kernels: kernels[$0].name)
        }
        return RTMDetHeadsSegmentation(levels: levels, features: features.name, slots: slots)
    }

    static func recognizes(_ model: ModelDescription) -> Bool { decoder(model) != nil }

    static func model(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        guard let decoder = decoder(model) else {
            throw SegmentationError.unrecognizedModel(found: model.summary, expected: ModelFamily.rtmdetIns.layout)
        }
        return DecodedModel(
            .rtmdetIns, decoder,
            input: try NetworkInput(
                model, configuration, usesSquareInput: usesSquareInput, defaults: RTMDetSegmentation.inputDefaults),
            classes: try ClassMap(slots: decoder.slots, configuration), configuration)
    }

    var recommendedConfidence: Float { 0.3 }
    var recommendedIoU: Double? { 0.6 }
    var requiresNMS: Bool { true }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        var candidates: [Candidate] = []
        for (cells, level) in zip(try grids(result, transform), levels) {
            let classes = try cells.map(level.classes, channels: slots, in: result)
            let boxes = try cells.map(level.boxes, channels: 4, in: result)
            // A hair less than what the confidence asks for, for rounding: what falls short is dropped below.
            let least = confidence <= 0 ? -.infinity : logit(min(confidence, 0.999_999)) - 1e-3
            classes.withElements { classes in
                boxes.withElements { boxes in
                    for slot in 0..<slots {
                        for cell in 0..<cells.count where classes[slot * cells.count + cell] >= least {
                            let (x, y) = Self.prior(cell, cells)
                            func distance(_ side: Int) -> Double { Double(boxes[side * cells.count + cell]) }
                            let box = BoundingBox(
                                x1: x - distance(0), y1: y - distance(1), x2: x + distance(2), y2: y + distance(3))
                            candidates.append(
                                Candidate(
                                    box: box, confidence: sigmoid(classes[slot * cells.count + cell]),
                                    outputClass: slot,
                                    index: cells.first + cell))
                        }
                    }
                }
            }
        }
        return candidates.filter { $0.confidence >= confidence }
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> Masks {
        let tensor = try result.output(features)
        guard tensor.shape.count == 4, tensor.shape[0] == 1, tensor.shape[1] == 8, tensor.count > 0,
            tensor.shape.suffix(2).allSatisfy({ $0 <= ModelLimits.maskSide })
        else {
            throw SegmentationError.unexpectedShape(
                tensor: features, found: tensor.shape,
                expected: "[1, 8, height / 8, width / 8] with sides of at most \(ModelLimits.maskSide)")
        }
        return Masks(
            features: tensor, grids: try grids(result, transform),
            kernels: try levels.map { try result.output($0.kernels) },
            sampler: MaskSampler(
                cells: ImageSize(width: tensor.shape[3], height: tensor.shape[2]), transform: transform,
                resolution: resolution),
            networkWidth: transform.networkSize.width)
    }

    /// The cells of the levels, as the kernels have them.
    private func grids(_ result: InferenceResult, _ transform: ImageTransform) throws -> [AnchorGrid] {
        try AnchorGrid.grids(
            of: levels.map(\.kernels), channels: Self.kernelLength, in: result,
            networkWidth: transform.networkSize.width)
    }

    /// Where a cell's distances are measured from, in network pixels: its corner, without half a pixel.
    private static func prior(_ cell: Int, _ grid: AnchorGrid) -> (x: Double, y: Double) {
        (Double(cell % grid.width) * grid.stride, Double(cell / grid.width) * grid.stride)
    }

    struct Masks: InstanceMasks {
        fileprivate let features: Tensor
        fileprivate let grids: [AnchorGrid]
        fileprivate let kernels: [Tensor]
        fileprivate let sampler: MaskSampler
        fileprivate let networkWidth: Int

        func mask(of candidate: Candidate) -> Mask {
            guard let level = grids.lastIndex(where: { $0.first <= candidate.index }) else {
                return .empty(sampler.transform.imageSize)
            }
            let grid = grids[level]
            let cell = candidate.index - grid.first
            let kernel = kernels[level].withElements { kernels in
                (0..<kernelLength).map { kernels[$0 * grid.count + cell] }
            }
            return logits(kernel, prior: prior(cell, grid), stride: grid.stride)
                .withUnsafeBufferPointer { sampler.mask($0) }
        }

        /// What an object's three convolutions make of the features, a number a cell.
        private func logits(_ kernel: [Float], prior: (x: Double, y: Double), stride: Double) -> [Float] {
            let (height, width) = (features.shape[2], features.shape[3])
            let count = height * width
            let side = Double(networkWidth) / Double(width)
            var input = [Float](repeating: 0, count: 10 * count)
            for y in 0..<height {
                for x in 0..<width {
                    input[y * width + x] = Float((prior.x - Double(x) * side) / (8 * stride))
                    input[count + y * width + x] = Float((prior.y - Double(y) * side) / (8 * stride))
                }
            }
            features.withElements { input.replaceSubrange(2 * count..<10 * count, with: $0) }
            let hidden = Self.convolution(input, kernel[0..<80], kernel[152..<160], count: count, rectifies: true)
            let second = Self.convolution(hidden, kernel[80..<144], kernel[160..<168], count: count, rectifies: true)
            return Self.convolution(second, kernel[144..<152], kernel[168..<169], count: count, rectifies: false)
        }

        /// A convolution of 1 x 1 over planes of `count` cells, one output plane a bias.
        private static func convolution(
            _ input: [Float], _ weights: ArraySlice<Float>, _ biases: ArraySlice<Float>, count: Int, rectifies: Bool
        ) -> [Float] {
            let (weights, biases) = (Array(weights), Array(biases))
            let inputs = weights.count / biases.count
            return [Float](unsafeUninitializedCapacity: biases.count * count) { output, initialized in
                input.withUnsafeBufferPointer { input in
                    for (o, bias) in biases.enumerated() {
                        let plane = UnsafeMutableBufferPointer(rebasing: output[o * count..<(o + 1) * count])
                        plane.initialize(repeating: bias)
                        for i in 0..<inputs {
                            let weight = weights[o * inputs + i]
                            for c in 0..<count { plane[c] += weight * input[i * count + c] }
                        }
                        if rectifies { for c in 0..<count { plane[c] = max(plane[c], 0) } }
                    }
                }
                initialized = biases.count * count
            }
        }
    }
}
