import Imaging

extension Mask {
    /// Returns the number of pixels in both masks.
    public func intersectionArea(with other: Mask) -> Int {
        var work = 0
        return intersectionArea(
            with: other, in: ImageRegion(x: 0, y: 0, size: imageSize), work: &work)
    }

    /// Number of pixels of a region that are in both masks.
    ///
    /// - Parameter work: increased by the number of rows and runs that were looked at.
    func intersectionArea(with other: Mask, in region: ImageRegion, work: inout Int) -> Int {
        let (left, right) = (Int32(region.columns.lowerBound), Int32(region.columns.upperBound))
        var area = 0
        for y in rows.clamped(to: other.rows).clamped(to: region.rows) {
            let (mine, theirs) = (runIndices(inRow: y), other.runIndices(inRow: y))
            var (a, b) = (mine.lowerBound, theirs.lowerBound)
            while a < mine.upperBound && b < theirs.upperBound {
                let (run, candidate) = (runs[a], other.runs[b])
                if run.start >= right || candidate.start >= right { break }
                let (start, end) = (max(run.start, candidate.start, left), min(run.end, candidate.end, right))
                if start < end { area += Int(end - start) }
                if run.end <= candidate.end { a += 1 }
                if candidate.end <= run.end { b += 1 }
            }
            work += 1 + a - mine.lowerBound + b - theirs.lowerBound
        }
        return area
    }

    /// Number of the mask's pixels in a region, or a number of at least `limit` if they are that many.
    ///
    /// - Parameter work: increased by the number of rows and runs that were looked at.
    func area(in region: ImageRegion, limit: Int, work: inout Int) -> Int {
        let (left, right) = (Int32(region.columns.lowerBound), Int32(region.columns.upperBound))
        var area = 0
        for y in rows.clamped(to: region.rows) where area < limit {
            let indices = runIndices(inRow: y)
            work += 1 + indices.count
            for run in runs[indices] {
                let (start, end) = (max(run.start, left), min(run.end, right))
                if start < end { area += Int(end - start) }
            }
        }
        return area
    }

    /// The smallest region around the pixels; `nil` for an empty mask.
    var region: ImageRegion? {
        var (left, right) = (Int32.max, Int32.min)
        for run in runs {
            left = min(left, run.start)
            right = max(right, run.end)
        }
        guard left < right, let first = rows.first(where: { !runIndices(inRow: $0).isEmpty }),
            let last = rows.last(where: { !runIndices(inRow: $0).isEmpty })
        else { return nil }
        return ImageRegion(
            x: Int(left), y: first, size: ImageSize(width: Int(right - left), height: last + 1 - first))
    }
}
