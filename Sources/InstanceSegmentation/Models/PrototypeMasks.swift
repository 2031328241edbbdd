import Imaging

/// Masks as sums of prototypes: the logit of an object at a prototype cell is the product of its coefficients and the
/// cell's prototypes, and a pixel belongs to the object where the logit, sampled bilinearly at the pixel's center, is
/// above 0 and the pixel is inside the object's box.
///
/// Source: Bolya et al., *YOLACT* (2019); Ultralytics' `process_mask_native`, with logits instead of padding cut off.
struct PrototypeMasks {
    /// Number of prototypes.
    let count: Int
    private let prototypes: Tensor
    private let cells: ImageSize
    private let sampler: MaskSampler

    /// - Parameters:
    ///   - prototypes: `[1, count, height, width]`.
    ///   - resolution: how fine the grid is on which masks are made; it may be coarser than the image's pixels.
    init(_ prototypes: Tensor, transform: ImageTransform, resolution: MaskResolution = .image) throws {
        let shape = prototypes.shape
        guard shape.count == 4, shape[0] == 1, shape[1...].allSatisfy({ $0 > 0 }),
            shape[2...].allSatisfy({ $0 <= ModelLimits.maskSide })
        else {
            throw SegmentationError.unexpectedShape(
                tensor: "prototypes", found: shape,
                expected: "[1, coefficients, height, width] with sides from 1 to \(ModelLimits.maskSide)")
        }
        count = shape[1]
        self.prototypes = prototypes
        cells = ImageSize(width: shape[3], height: shape[2])
        sampler = MaskSampler(cells: cells, transform: transform, resolution: resolution)
    }

    /// The mask of one object.
    /// - Parameters:
    ///   - coefficients: one a prototype.
    ///   - networkBox: in network pixels.
    func mask(coefficients: [Float], networkBox: BoundingBox) -> Mask {
        mask(coefficients: coefficients, box: sampler.transform.imageBox(networkBox))
    }

    /// The mask of one object.
    /// - Parameter box: on the grid, clipped to it. A pixel is inside where `x1 <= x < x2` and `y1 <= y < y2`.
    func mask(coefficients: [Float], box: BoundingBox) -> Mask {
        let (across, down) = sampler.pixels(in: box)
        guard let window = sampler.window(across: across, down: down) else {
            return .empty(sampler.transform.imageSize)
        }
        return logits(coefficients, in: window).withUnsafeBufferPointer { logits in
            sampler.mask(logits, window: window, across: across, down: down)
        }
    }

    /// Products of coefficients and prototypes inside a window of cells.
    func logits(_ coefficients: [Float], in window: MaskSampler.Window) -> [Float] {
        prototypes.withElements { elements in
            [Float](unsafeUninitializedCapacity: window.count) { logits, initialized in
                guard let logits = logits.baseAddress, let source = elements.baseAddress else { return }
                logits.initialize(repeating: 0, count: window.count)
                let width = window.columns.count
                for (k, coefficient) in coefficients.enumerated() {
                    for (i, row) in window.rows.enumerated() {
                        let from = source + (k * cells.height + row) * cells.width + window.columns.lowerBound
                        let to = logits + i * width
                        for c in 0..<width { to[c] += coefficient * from[c] }
                    }
                }
                initialized = window.count
            }
        }
    }
}
