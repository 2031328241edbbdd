import Imaging

/// Boxes and coefficients from a YOLO network's heads: what its export would have computed for all anchors, for those that are objects.
///
/// A side's distance is the mean of its bins 0, 1, 2, ... by the softmax of their logits, in cells, from the cell's center.
///
/// Source: Ultralytics, `nn/modules/head.py`, `Detect._inference`; Li et al., *Generalized Focal Loss* (2020).
struct YOLOHeads {
    private let heads: RawHeads
    private let grids: [AnchorGrid]
    private let slots: Int
    private let result: InferenceResult

    init(_ heads: RawHeads, slots: Int, in result: InferenceResult, transform: ImageTransform) throws {
        self.heads = heads
        self.slots = slots
        self.result = result
        grids = try AnchorGrid.grids(
            of: heads.levels.map(\.classes), channels: slots, in: result, networkWidth: transform.networkSize.width)
    }

    /// The anchors whose best class reaches the confidence. Of equal classes the first counts; NaN counts never.
    func candidates(confidence: Float) throws -> [Candidate] {
        var candidates: [Candidate] = []
        // A hair less than what the confidence asks for, for rounding: what falls short is dropped below.
        let least = confidence <= 0 ? -.infinity : logit(min(confidence, 0.999_999)) - 1e-3
        for (grid, level) in zip(grids, heads.levels) {
            let classes = try result.output(level.classes)
            let channels = try result.output(level.boxes).shape.dropFirst().first ?? 0
            let boxes = try grid.map(level.boxes, channels: max(channels / 4, 1) * 4, in: result)
            classes.withElements { logits in
                boxes.withElements { distributions in
                    guard let scores = logits.baseAddress else { return }
                    let best = bestScores(scores, anchors: grid.count, classes: slots)
                    for cell in 0..<grid.count where best[cell] >= least {
                        let confidenceOfCell = sigmoid(best[cell])
                        guard confidenceOfCell >= confidence,
                            let slot = (0..<slots).first(where: { logits[$0 * grid.count + cell] == best[cell] })
                        else { continue }
                        let box = Self.box(distributions, bins: channels / 4, cell: cell, grid: grid)
                        candidates.append(
                            Candidate(
                                box: box, confidence: confidenceOfCell, outputClass: slot, index: grid.first + cell))
                    }
                }
            }
        }
        return candidates
    }

    /// The box of a cell, in network pixels; computed in the order and precision of the exported graph.
    private static func box(
        _ distributions: UnsafeBufferPointer<Float>, bins: Int, cell: Int, grid: AnchorGrid
    ) -> BoundingBox {
        func distance(_ side: Int) -> Float {
            var largest = -Float.infinity
            for bin in 0..<bins { largest = max(largest, distributions[(side * bins + bin) * grid.count + cell]) }
            var (sum, weighted) = (Float(0), Float(0))
            for bin in 0..<bins {
                let power = exponential(distributions[(side * bins + bin) * grid.count + cell] - largest)
                sum += power
                weighted += power * Float(bin)
            }
            return weighted / sum
        }
        let (x, y) = (Float(cell % grid.width) + 0.5, Float(cell / grid.width) + 0.5)
        let (x1, y1, x2, y2) = (x - distance(0), y - distance(1), x + distance(2), y + distance(3))
        let stride = Float(grid.stride)
        return BoundingBox(
            centerX: Double((x1 + x2) / 2 * stride), centerY: Double((y1 + y2) / 2 * stride),
            width: Double((x2 - x1) * stride), height: Double((y2 - y1) * stride))
    }

    /// A box's coefficients, one a prototype.
    func coefficients(of candidate: Candidate, count: Int) -> [Float] {
        guard let level = grids.lastIndex(where: { $0.first <= candidate.index }),
            let tensor = try? grids[level].map(heads.levels[level].coefficients, channels: count, in: result)
        else { return [] }
        let (cells, cell) = (grids[level].count, candidate.index - grids[level].first)
        return tensor.withElements { elements in (0..<count).map { elements[$0 * cells + cell] } }
    }

    /// Checks that every level has as many coefficients as there are prototypes.
    /// - Throws: `SegmentationError.unexpectedShape`.
    func requireCoefficients(_ count: Int) throws {
        for (grid, level) in zip(grids, heads.levels) {
            _ = try grid.map(level.coefficients, channels: count, in: result)
        }
    }
}
