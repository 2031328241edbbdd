extension Polygon {
    /// The ring with fewer points: each that is left out is within a tolerance of the line that replaces it.
    ///
    /// The ring is cut at its first point and at the one farthest from it, and each half is simplified: the point farthest from the
    /// line between its ends is kept and the halves on both sides are looked at in turn, until all are near enough. A ring keeps at
    /// least three points.
    ///
    /// Source: Douglas and Peucker (1973); Ramer (1972).
    ///
    /// - Parameter tolerance: in pixels; 0 leaves only what is exactly on a line.
    /// - Complexity: O(n log n) for n points. A ring whose lines are split into very unequal halves again and again, such as a
    ///   zigzag that grows, is cut in the middle from then on: it keeps more points than it would need to.
    public func simplified(tolerance: Double) -> Polygon {
        guard points.count > 3, tolerance >= 0 else { return self }
        let origin = points[0]
        let far =
            points.indices.max { points[$0].squaredDistance(to: origin) < points[$1].squaredDistance(to: origin) } ?? 0
        guard far > 0 else { return self }
        let ring = points + [origin]
        var isKept = [Bool](repeating: false, count: ring.count)
        isKept[0] = true
        isKept[far] = true
        var pending = [(0, far), (far, ring.count - 1)]
        // Distances that are computed before lines are cut in the middle; an outline takes some 20 a point.
        var remaining = 256 * ring.count
        while let (start, end) = pending.popLast() {
            guard end - start > 1 else { continue }
            remaining -= end - start
            var (farthest, distance) = (start, tolerance * tolerance)
            for i in start + 1..<end {
                let here = ring[i].squaredDistance(toSegment: ring[start], ring[end])
                if here > distance { (farthest, distance) = (i, here) }
            }
            guard farthest > start else { continue }
            if remaining < 0 { farthest = (start + end) / 2 }
            isKept[farthest] = true
            pending += [(start, farthest), (farthest, end)]
        }
        let kept = points.indices.filter { isKept[$0] }
        guard kept.count < 3 else { return Polygon(points: kept.map { points[$0] }) }
        // A sliver: the point farthest from its axis makes it a triangle again.
        let third = points.indices.filter { !isKept[$0] }.max {
            points[$0].squaredDistance(toSegment: origin, points[far])
                < points[$1].squaredDistance(toSegment: origin, points[far])
        }
        return Polygon(points: (kept + (third.map { [$0] } ?? [])).sorted().map { points[$0] })
    }
}

extension Point {
    func squaredDistance(to other: Point) -> Double {
        (x - other.x) * (x - other.x) + (y - other.y) * (y - other.y)
    }

    func squaredDistance(toSegment a: Point, _ b: Point) -> Double {
        let length = a.squaredDistance(to: b)
        guard length > 0 else { return squaredDistance(to: a) }
        let share = min(max(((x - a.x) * (b.x - a.x) + (y - a.y) * (b.y - a.y)) / length, 0), 1)
        return squaredDistance(to: Point(x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y)))
    }
}
