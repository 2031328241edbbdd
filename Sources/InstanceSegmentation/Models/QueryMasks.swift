import Imaging

/// Masks of which the network gives one map for each object: logits or probabilities over its input, sampled at the image's
/// pixels and compared with a threshold. Nothing is cut off at boxes.
struct QueryMasks: InstanceMasks {
    private let maps: Tensor
    private let sampler: MaskSampler
    private let threshold: Float

    /// - Parameters:
    ///   - maps: `[1, queries, height, width]`, `[queries, 1, height, width]` or `[queries, height, width]`.
    ///   - threshold: a pixel is set where its value is above it.
    init(_ maps: Tensor, name: String, transform: ImageTransform, resolution: MaskResolution, threshold: Float = 0)
        throws
    {
        let shape = maps.shape
        guard shape.count >= 3, maps.count == 0 || shape.suffix(2).allSatisfy({ $0 <= ModelLimits.maskSide }) else {
            throw SegmentationError.unexpectedShape(
                tensor: name, found: shape,
                expected: "[1, queries, height, width] with sides of at most \(ModelLimits.maskSide)")
        }
        self.maps = maps
        self.threshold = threshold
        // Without maps their sides can be anything.
        let (width, height) = maps.count == 0 ? (1, 1) : (shape[shape.count - 1], shape[shape.count - 2])
        sampler = MaskSampler(
            cells: ImageSize(width: width, height: height), transform: transform, resolution: resolution)
    }

    /// The part of a mask inside the object's box: pixels with `x1 <= x < x2` and `y1 <= y < y2`.
    func maskWithinBox(of candidate: Candidate) -> Mask {
        let (across, down) = sampler.pixels(in: sampler.transform.imageBox(candidate.box))
        guard !across.isEmpty, !down.isEmpty else { return empty }
        let cells = sampler.allCells
        return maps.withMap(candidate.index) {
            sampler.mask($0, window: cells, across: across, down: down, threshold: threshold)
        } ?? empty
    }

    private var empty: Mask { .empty(sampler.transform.imageSize) }

    func mask(of candidate: Candidate) -> Mask {
        maps.withMap(candidate.index) { sampler.mask($0, threshold: threshold) }
            ?? empty
    }
}

extension Tensor {
    /// Calls a function with one of the maps that fill the last two dimensions; `nil` where there is none of that number.
    func withMap<Result>(_ index: Int, _ body: (UnsafeBufferPointer<Float>) -> Result) -> Result? {
        let size = shape.suffix(2).reduce(1, *)
        guard size > 0, index >= 0, (index + 1) * size <= count else { return nil }
        return withElements { body(UnsafeBufferPointer(rebasing: $0[index * size..<(index + 1) * size])) }
    }
}

/// The probability of a logit.
func sigmoid(_ logit: Float) -> Float { 1 / (1 + exponential(-logit)) }
