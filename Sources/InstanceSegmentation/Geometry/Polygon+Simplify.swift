extension Polygon {
    /// The ring with fewer points: each that is left out is within a tolerance of the line that replaces it. A ring that does not
    /// cross itself still does not. The first point and at least three points are kept.
    ///
    /// - Parameter tolerance: in pixels; 0 leaves out only what is exactly on a line.
    /// - Complexity: O(n log n) for n points of a usual outline.
    public func simplified(tolerance: Double) -> Polygon {
        Polygon(points: RingSimplifier.simplified([points], tolerance: tolerance)[0])
    }
}

extension [MaskPolygon] {
    /// The parts of a mask with fewer points, none farther than a tolerance from where it was. No rings of all parts cross, and holes
    /// stay in their parts.
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
