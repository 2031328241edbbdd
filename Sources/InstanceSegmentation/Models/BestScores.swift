/// The largest number of each anchor over all classes; -infinity where all are NaN. Class after class over all anchors: contiguous, and
/// vectorized by the compiler.
/// - Parameter scores: `[classes, anchors]`.
func bestScores(_ scores: UnsafePointer<Float>, anchors: Int, classes: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: anchors) { best, count in
        guard let best = best.baseAddress else { return }
        best.initialize(repeating: -.infinity, count: anchors)
        for classID in 0..<classes {
            let row = scores + classID * anchors
            for a in 0..<anchors { best[a] = row[a] > best[a] ? row[a] : best[a] }
        }
        count = anchors
    }
}
