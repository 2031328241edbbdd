/// A closed ring of points; the first is not repeated at the end.
public struct Polygon: Hashable, Sendable {
    public var points: [PixelPoint]

    public init(points: [PixelPoint]) {
        self.points = points
    }

    /// Signed area in square pixels; positive for a ring that runs clockwise on the screen (where y points down).
    public var signedArea: Double {
        guard var last = points.last else { return 0 }
        var sum = 0.0
        for point in points {
            sum += last.x * point.y - point.x * last.y
            last = point
        }
        return sum / 2
    }

    /// Returns whether a point is inside, by the number of sides that a ray from it crosses (even-odd rule).
    public func contains(_ point: PixelPoint) -> Bool {
        guard var last = points.last else { return false }
        var isInside = false
        for next in points {
            if (next.y > point.y) != (last.y > point.y),
                point.x < (last.x - next.x) * (point.y - next.y) / (last.y - next.y) + next.x
            {
                isInside.toggle()
            }
            last = next
        }
        return isInside
    }
}
