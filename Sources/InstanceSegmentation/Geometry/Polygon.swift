/// A closed ring of points; the first is not repeated at the end.
public struct Polygon: Hashable, Sendable {
    public var points: [Point]

    public init(points: [Point]) {
        self.points = points
    }
}
