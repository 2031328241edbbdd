extension Polygon {
    /// Returns the ring with fewer points; each removed point is within the tolerance of the line that replaces it. A
    /// ring without self-intersections stays free of them. The first point and at least three points are kept.
    ///
    /// - Parameter tolerance: in pixels; 0 removes only points that are exactly on a line.
    /// - Complexity: O(n log n) in the number of points, for typical outlines.
    public func simplified(tolerance: Double) -> Polygon {
        Polygon(points: RingSimplifier.simplified([points], tolerance: tolerance)[0])
    }
}

extension [MaskPolygon] {
    /// Returns the parts of a mask with fewer points; each removed point is within the tolerance of the line that
    /// replaces it. Rings of all parts do not cross, and holes stay inside their parts.
    public func simplified(tolerance: Double) -> [MaskPolygon] {
        let rings = RingSimplifier.simplified(flatMap { $0.rings.map(\.points) }, tolerance: tolerance)
        var at = 0
        return map { part in
            let own = rings[at..<at + 1 + part.holes.count].map { Polygon(points: $0) }
            at += own.count
            return MaskPolygon(outer: own[0], holes: [Polygon](own.dropFirst()))
        }
    }
}

extension PixelPoint {
    func squaredDistance(to other: PixelPoint) -> Double {
        (x - other.x) * (x - other.x) + (y - other.y) * (y - other.y)
    }

    func squaredDistance(toSegment a: PixelPoint, _ b: PixelPoint) -> Double {
        let length = a.squaredDistance(to: b)
        guard length > 0 else { return squaredDistance(to: a) }
        let share = min(max(((x - a.x) * (b.x - a.x) + (y - a.y) * (b.y - a.y)) / length, 0), 1)
        return squaredDistance(to: PixelPoint(x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y)))
    }
}
