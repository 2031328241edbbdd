extension Mask {
    /// The mask as polygons whose rings follow the *edges* of its pixels, so that filling them reproduces the mask.
    ///
    /// Outer rings run clockwise on the screen, holes counterclockwise. No ring visits a point twice; different rings
    /// may share points. A pixel is inside if its center is inside an odd number of rings.
    ///
    /// Rings are traced from run to run. The ends of a row's runs are the vertical edges. Between two rows there is a
    /// horizontal edge along every stretch that is set in exactly one of them.
    public var boundaryPolygons: [MaskPolygon] {
        var outer: [(ring: Polygon, holes: [Polygon])] = []
        var holes: [Polygon] = []
        for ring in edgeRings() {
            if ring.signedArea > 0 { outer.append((ring, [])) } else { holes.append(ring) }
        }
        let owners = Self.innermostRings(outer.map(\.ring), at: holes.map(Self.pixelAbove))
        for (hole, owner) in zip(holes, owners) {
            if let owner { outer[owner].holes.append(hole) }
        }
        return outer.map { MaskPolygon(outer: $0.ring, holes: $0.holes) }
    }

    /// The pixel above the topmost edge of a hole, which is part of the mask.
    private static func pixelAbove(_ hole: Polygon) -> (x: Int, y: Int) {
        let corner = hole.points.min { ($0.y, $0.x) < ($1.y, $1.x) }
        return corner.map { (Int($0.x), Int($0.y) - 1) } ?? (0, -1)
    }

    /// For each pixel the number of the smallest ring around it; `nil` outside of all rings.
    ///
    /// Rings do not cross, so that along a row they open and close like brackets: the innermost is the last one that was opened.
    ///
    /// - Complexity: O((e + p) log (e + p)) for p pixels and rings that are e pixels high in sum.
    private static func innermostRings(_ rings: [Polygon], at pixels: [(x: Int, y: Int)]) -> [Int?] {
        var result = [Int?](repeating: nil, count: pixels.count)
        let asked = Set(pixels.map(\.y))
        /// A ring's side at the left of a column in a row, or (negative, from -1) a pixel.
        var events: [(y: Int, x: Int, number: Int)] = []
        for (number, ring) in rings.enumerated() where !asked.isEmpty {
            for (a, b) in zip(ring.points, ring.points.dropFirst() + ring.points.prefix(1)) where a.x == b.x {
                for y in Int(min(a.y, b.y))..<Int(max(a.y, b.y)) where asked.contains(y) {
                    events.append((y, Int(a.x), number))
                }
            }
        }
        for (number, pixel) in pixels.enumerated() { events.append((pixel.y, pixel.x, -1 - number)) }
        // A side comes before the pixel at its right.
        events.sort { ($0.y, $0.x, $1.number) < ($1.y, $1.x, $0.number) }
        var open: [Int] = []
        for event in events {
            if event.number < 0 {
                result[-1 - event.number] = open.last
            } else if open.last == event.number {
                open.removeLast()
            } else {
                open.append(event.number)
            }
        }
        return result
    }

    /// An edge between two corners of pixels, with the mask on its right.
    private struct Edge {
        let from: Corner
        let to: Corner
    }

    private struct Corner: Hashable {
        let x: Int32
        let y: Int32
    }

    private func edgeRings() -> [Polygon] {
        var edges: [Edge] = []
        for y in rows.lowerBound...rows.upperBound {
            let above = runs(inRow: y - 1), here = runs(inRow: y)
            for run in here {
                edges.append(Edge(from: Corner(x: run.start, y: Int32(y + 1)), to: Corner(x: run.start, y: Int32(y))))
                edges.append(Edge(from: Corner(x: run.end, y: Int32(y)), to: Corner(x: run.end, y: Int32(y + 1))))
            }
            // Stretches that are set in exactly one of the two rows, cut wherever either row changes.
            let changes = (above.flatMap { [$0.start, $0.end] } + here.flatMap { [$0.start, $0.end] }).sorted()
            var isSetAbove = false, isSetHere = false
            var (a, h) = (above.startIndex, here.startIndex)
            for (left, right) in zip(changes, changes.dropFirst()) where left < right {
                while a < above.endIndex, above[a].end <= left { a += 1 }
                while h < here.endIndex, here[h].end <= left { h += 1 }
                isSetAbove = a < above.endIndex && above[a].start <= left
                isSetHere = h < here.endIndex && here[h].start <= left
                guard isSetAbove != isSetHere else { continue }
                let (from, to) = isSetHere ? (left, right) : (right, left)
                edges.append(Edge(from: Corner(x: from, y: Int32(y)), to: Corner(x: to, y: Int32(y))))
            }
        }
        var leaving: [Corner: [Int]] = [:]
        for (index, edge) in edges.enumerated() { leaving[edge.from, default: []].append(index) }
        var isUsed = [Bool](repeating: false, count: edges.count)
        var rings: [Polygon] = []
        for first in edges.indices where !isUsed[first] {
            // A point that is met again closes a ring of its own; what led there goes on without it.
            var path: [Corner] = [edges[first].from]
            var position: [Corner: Int] = [edges[first].from: 0]
            var at = first
            while true {
                isUsed[at] = true
                let corner = edges[at].to
                if let start = position[corner] {
                    rings.append(Self.ring(path[start...]))
                    for passed in path[(start + 1)...] { position[passed] = nil }
                    path.removeSubrange((start + 1)...)
                } else {
                    position[corner] = path.count
                    path.append(corner)
                }
                // Where two edges leave, either does: the rings are cut at such points anyway.
                guard let next = leaving[corner]?.first(where: { !isUsed[$0] }) else { break }
                at = next
            }
        }
        return rings.filter { $0.points.count >= 4 }
    }

    /// The corners at which the direction changes.
    private static func ring(_ path: ArraySlice<Corner>) -> Polygon {
        let corners = Array(path)
        return Polygon(
            points: corners.indices.filter { i in
                let before = corners[(i + corners.count - 1) % corners.count], after = corners[(i + 1) % corners.count]
                let isStraight =
                    (before.x == corners[i].x && corners[i].x == after.x)
                    || (before.y == corners[i].y && corners[i].y == after.y)
                return !isStraight
            }.map { PixelPoint(x: Double(corners[$0].x), y: Double(corners[$0].y)) })
    }
}

/// One part of a mask: the area inside its outer ring and outside its holes.
public struct MaskPolygon: Hashable, Sendable {
    public var outer: Polygon
    public var holes: [Polygon]

    public init(outer: Polygon, holes: [Polygon] = []) {
        self.outer = outer
        self.holes = holes
    }

    /// All rings, the outer one first.
    public var rings: [Polygon] { [outer] + holes }
}
