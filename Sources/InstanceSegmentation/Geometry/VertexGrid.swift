/// The vertices of rings by their place, to find those inside a triangle.
///
/// The cells are sized for about one vertex each. Removed vertices stay listed until half of them are gone; the grid is then built
/// again with larger cells, so that queries of long triangles remain cheap as rings lose points.
struct VertexGrid {
    private let points: [PixelPoint]
    private var isRemoved: [Bool]
    private var remaining: Int
    private var rebuildCount = 0
    private var origin = PixelPoint(x: 0, y: 0)
    private var cell = PixelPoint(x: 1, y: 1)
    private var columns = 1
    private var rows = 1
    /// Where the vertices of each cell begin in `vertices`; one entry more than there are cells.
    private var starts: [Int] = []
    private var vertices: [Int] = []

    /// - Parameter points: at least one, all finite.
    init(_ points: [PixelPoint]) {
        self.points = points
        isRemoved = [Bool](repeating: false, count: points.count)
        remaining = points.count
        build()
    }

    /// Takes a vertex out.
    mutating func remove(_ vertex: Int) {
        isRemoved[vertex] = true
        remaining -= 1
        if remaining < rebuildCount { build() }
    }

    private mutating func build() {
        var low = PixelPoint(x: .infinity, y: .infinity), high = PixelPoint(x: -.infinity, y: -.infinity)
        for (point, isRemoved) in zip(points, isRemoved) where !isRemoved {
            low = PixelPoint(x: min(low.x, point.x), y: min(low.y, point.y))
            high = PixelPoint(x: max(high.x, point.x), y: max(high.y, point.y))
        }
        let width = max(high.x - low.x, 1e-9), height = max(high.y - low.y, 1e-9)
        let limit = Double(max(remaining, 1))
        let across = min(max((limit * width / height).squareRoot(), 1), limit)
        columns = Int(across)
        rows = max(1, Int(limit / across))
        origin = low
        cell = PixelPoint(x: width / Double(columns), y: height / Double(rows))
        rebuildCount = remaining / 2
        starts = [Int](repeating: 0, count: columns * rows + 1)
        for vertex in points.indices where !isRemoved[vertex] { starts[cellIndex(of: points[vertex]) + 1] += 1 }
        for i in 1..<starts.count { starts[i] += starts[i - 1] }
        var next = starts
        vertices = [Int](repeating: 0, count: remaining)
        for vertex in points.indices where !isRemoved[vertex] {
            let index = cellIndex(of: points[vertex])
            vertices[next[index]] = vertex
            next[index] += 1
        }
    }

    private func column(_ x: Double) -> Int { Int(min(max((x - origin.x) / cell.x, 0), Double(columns - 1))) }
    private func row(_ y: Double) -> Int { Int(min(max((y - origin.y) / cell.y, 0), Double(rows - 1))) }
    private func cellIndex(of point: PixelPoint) -> Int { row(point.y) * columns + column(point.x) }

    /// Whether a vertex lies in the triangle of a corner and a base, its sides included, or nearer to the base than a clearance.
    /// Vertices at the place of either end of the base do not count, unless the base would lie on another line.
    /// - Parameter isLine: whether a line leads from another vertex at the place of the start to the place of the end.
    func hasVertex(
        inTriangleAt corner: Int, base start: Int, _ end: Int, clearance: Double, isLine: (Int) -> Bool
    ) -> Bool {
        let triangle = Triangle(points[start], points[corner], points[end], clearance: clearance)
        for row in row(triangle.low.y)...row(triangle.high.y) {
            let top = row == 0 ? -Double.infinity : origin.y + Double(row) * cell.y
            let bottom = row == rows - 1 ? Double.infinity : origin.y + Double(row + 1) * cell.y
            guard let span = triangle.span(from: top - clearance, to: bottom + clearance) else { continue }
            let first = row * columns + column(span.lowerBound), last = row * columns + column(span.upperBound)
            for vertex in vertices[starts[first]..<starts[last + 1]] where vertex != corner && !isRemoved[vertex] {
                if points[vertex] == points[start] {
                    if vertex != start && isLine(vertex) { return true }
                } else if triangle.contains(points[vertex]) {
                    return true
                }
            }
        }
        return false
    }
}

/// A triangle with a margin along its base, the side from `a` to `c`.
private struct Triangle {
    private let a: PixelPoint
    private let b: PixelPoint
    private let c: PixelPoint
    private let sign: Double
    /// What rounding adds to twice an area.
    private let slack: Double
    private let baseSlack: Double
    private let clearance: Double
    /// The corners of the box around it.
    let low: PixelPoint
    let high: PixelPoint

    init(_ a: PixelPoint, _ b: PixelPoint, _ c: PixelPoint, clearance: Double) {
        (self.a, self.b, self.c, self.clearance) = (a, b, c, clearance)
        low = PixelPoint(x: min(a.x, b.x, c.x) - clearance, y: min(a.y, b.y, c.y) - clearance)
        high = PixelPoint(x: max(a.x, b.x, c.x) + clearance, y: max(a.y, b.y, c.y) + clearance)
        sign = Self.cross(a, b, c) < 0 ? -1 : 1
        let reach = max(low.x.magnitude, low.y.magnitude, high.x.magnitude, high.y.magnitude)
        slack = 1e-13 * (reach * reach + 1)
        baseSlack = slack + clearance * a.squaredDistance(to: c).squareRoot()
    }

    /// Twice the signed area of a triangle.
    private static func cross(_ a: PixelPoint, _ b: PixelPoint, _ c: PixelPoint) -> Double {
        (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
    }

    func contains(_ point: PixelPoint) -> Bool {
        guard point.x >= low.x, point.x <= high.x, point.y >= low.y, point.y <= high.y, point != a, point != c else {
            return false
        }
        return sign * Self.cross(a, b, point) >= -slack && sign * Self.cross(b, c, point) >= -slack
            && sign * Self.cross(c, a, point) >= -baseSlack
    }

    /// The columns that the triangle covers between two heights, with its margin.
    func span(from top: Double, to bottom: Double) -> ClosedRange<Double>? {
        var (left, right) = (Double.infinity, -Double.infinity)
        for (p, q) in [(a, b), (b, c), (c, a)] {
            let (upper, lower) = p.y <= q.y ? (p, q) : (q, p)
            guard lower.y >= top, upper.y <= bottom else { continue }
            for y in [max(upper.y, top), min(lower.y, bottom)] {
                let height = lower.y - upper.y
                let x = height > 0 ? upper.x + (y - upper.y) / height * (lower.x - upper.x) : upper.x
                left = min(left, x)
                right = max(right, x)
            }
            if upper.y == lower.y {
                left = min(left, upper.x, lower.x)
                right = max(right, upper.x, lower.x)
            }
        }
        return left <= right ? left - clearance - 1e-6...right + clearance + 1e-6 : nil
    }
}
