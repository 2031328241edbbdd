/// An object that a network proposes.
struct Candidate {
    /// In network pixels.
    var box: BoundingBox
    var confidence: Float
    /// The network's slot of its class.
    var outputClass: Int
    /// Where the network's output has it; also decides between equal confidences.
    var index: Int
    /// Whether the family gives boxes; otherwise they are those of the masks.
    var hasBox = true

    /// Whether confidence and corners are numbers that can be computed with.
    var isFinite: Bool { confidence.isFinite && box.isFinite }
}

/// How much two boxes overlap.
enum OverlapMetric: Sendable {
    /// Intersection over union.
    case iou
    /// Intersection over the area of the weaker box, with one pixel added to every side length, as Roboflow's service
    /// measures it.
    case ios

    /// The overlap of a box with a more confident one.
    func overlap(of box: BoundingBox, with better: BoundingBox) -> Double {
        switch self {
        case .iou: return better.iou(with: box)
        case .ios:
            let across = min(box.x2, better.x2) - max(box.x1, better.x1) + 1
            let down = min(box.y2, better.y2) - max(box.y1, better.y1) + 1
            let area = (box.width + 1) * (box.height + 1)
            return across > 0 && down > 0 && area > 0 ? across * down / area : 0
        }
    }
}

/// Greedy suppression of boxes that overlap a more confident one by more than a threshold.
///
/// - Parameters:
///   - candidates: in any order; of more than `limit` only the most confident are looked at.
///   - measure: `nil` suppresses nothing.
///   - threshold: strictly more than this is suppressed.
///   - isClassAgnostic: whether boxes of different classes suppress one another.
///   - most: the search ends with this many.
///   - limit: bounds the work.
/// - Returns: what is kept, most confident first; equals in the order of their indices.
func nonMaximumSuppression(
    _ candidates: [Candidate], metric: OverlapMetric? = .iou, threshold: Double, isClassAgnostic: Bool = false,
    maxCount: Int, limit: Int = 30_000
) -> [Candidate] {
    let sorted = candidates.sorted {
        $0.confidence != $1.confidence ? $0.confidence > $1.confidence : $0.index < $1.index
    }
    guard let metric else { return Array(sorted.prefix(maxCount)) }
    var kept: [Candidate] = []
    for candidate in sorted.prefix(limit) {
        if kept.count == maxCount { break }
        let isSuppressed = kept.contains {
            (isClassAgnostic || $0.outputClass == candidate.outputClass)
                && metric.overlap(of: candidate.box, with: $0.box) > threshold
        }
        if !isSuppressed { kept.append(candidate) }
    }
    return kept
}
