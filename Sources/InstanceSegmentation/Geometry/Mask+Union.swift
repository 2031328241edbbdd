extension Mask {
    /// Returns the pixels in this mask or in another mask of the same image.
    public func union(_ other: Mask) -> Mask {
        if isEmpty { return other }
        if other.isEmpty { return self }
        let first = min(top, other.top)
        let last = max(rows.upperBound, other.rows.upperBound)
        var builder = MaskBuilder(imageSize: imageSize, top: first, rowCapacity: last - first)
        for y in first..<last {
            let (mine, theirs) = (runIndices(inRow: y), other.runIndices(inRow: y))
            var (a, b) = (mine.lowerBound, theirs.lowerBound)
            // The run that grows while the next one, of either mask, touches it.
            var (start, end) = (Int32.min, Int32.min)
            while a < mine.upperBound || b < theirs.upperBound {
                let isMine =
                    b == theirs.upperBound || (a < mine.upperBound && runs[a].start <= other.runs[b].start)
                let run = isMine ? runs[a] : other.runs[b]
                if isMine { a += 1 } else { b += 1 }
                if run.start <= end {
                    end = max(end, run.end)
                } else {
                    if start < end { builder.append(from: Int(start), to: Int(end)) }
                    (start, end) = (run.start, run.end)
                }
            }
            if start < end { builder.append(from: Int(start), to: Int(end)) }
            builder.endRow()
        }
        return builder.mask
    }
}
