/// A box that a network proposes, before suppression.
struct Candidate {
    /// In network pixels.
    var box: BoundingBox
    var confidence: Float
    var classID: Int
    /// Where the network's output has it; also decides between equal confidences.
    var index: Int
}

/// Greedy suppression of boxes that overlap a more confident one by more than `iouThreshold`.
///
/// - Parameters:
///   - candidates: in any order; of more than `limit` only the most confident are looked at.
///   - iouThreshold: strictly more than this is suppressed.
///   - isClassAgnostic: whether boxes of different classes suppress one another.
///   - most: the search ends with this many.
///   - limit: bounds the work.
/// - Returns: what is kept, most confident first; equals in the order of their indices.
func nonMaximumSuppression(
    _ candidates: [Candidate], iouThreshold: Double, isClassAgnostic: Bool = false, most: Int, limit: Int = 30_000
) -> [Candidate] {
    let sorted = candidates.sorted {
        $0.confidence != $1.confidence ? $0.confidence > $1.confidence : $0.index < $1.index
    }
    var kept: [Candidate] = []
    for candidate in sorted.prefix(limit) {
        if kept.count == most { break }
        let isSuppressed = kept.contains {
            (isClassAgnostic || $0.classID == candidate.classID) && $0.box.iou(candidate.box) > iouThreshold
        }
        if !isSuppressed { kept.append(candidate) }
    }
    return kept
}
