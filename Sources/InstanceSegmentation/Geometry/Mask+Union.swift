extension Mask {
    /// The pixels that are in this mask or in another of the same image.
    public func union(_ other: Mask) -> Mask {
        if isEmpty { return other }
        if other.isEmpty { return self }
        let first = min(top, other.top)
        let last = max(rows.upperBound, other.rows.upperBound)
        var builder = MaskBuilder(imageSize: imageSize, top: first, rowCapacity: last - first)
        for y in first..<last {
            var pending: Run?
            for run in (runs(inRow: y) + other.runs(inRow: y)).sorted(by: { $0.start < $1.start }) {
                if let open = pending, run.start <= open.end {
                    pending = Run(start: Int(open.start), end: Int(max(open.end, run.end)))
                } else {
                    if let open = pending { builder.append(from: Int(open.start), to: Int(open.end)) }
                    pending = run
                }
            }
            if let open = pending { builder.append(from: Int(open.start), to: Int(open.end)) }
            builder.endRow()
        }
        return builder.mask
    }

    /// Number of pixels in both masks.
    public func intersectionArea(_ other: Mask) -> Int {
        var intersection = 0
        for y in rows.clamped(to: other.rows) {
            var theirs = other.runs(inRow: y)
            for run in runs(inRow: y) {
                while let first = theirs.first, first.end <= run.start { theirs = theirs.dropFirst() }
                for candidate in theirs {
                    if candidate.start >= run.end { break }
                    intersection += Int(min(run.end, candidate.end) - max(run.start, candidate.start))
                }
            }
        }
        return intersection
    }
}
