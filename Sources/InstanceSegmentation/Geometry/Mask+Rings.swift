extension Mask {
    /// The mask as polygons whose rings run along the *edges* of its pixels, so that filling them gives back the mask.
    ///
    /// Outer rings go clockwise on the screen, holes against the clock. No ring visits a point twice; rings may touch in points.
    /// A pixel is inside where its centre is inside an odd number of rings.
    ///
    /// The rings are followed from run to run: the ends of a row's runs are the edges down and up, and between two rows there is an
    /// edge along every stretch that is set in exactly one of them.
    public var polygons: [MaskPolygon] {
        var outer: [(ring: Polygon, holes: [Polygon])] = []
        var holes: [Polygon] = []
        for ring in edgeRings() {
            if ring.signedArea > 0 { outer.append((ring, [])) } else { holes.append(ring) }
        }
        // A hole belongs to the smallest outer ring around it.
        let bySize = outer.indices.sorted { outer[$0].ring.signedArea < outer[$1].ring.signedArea }
        for hole in holes {
            guard let corner = hole.points.min(by: { ($0.y, $0.x) < ($1.y, $1.x) }) else { continue }
            // The pixel above a hole's topmost edge is part of the mask.
            let pixel = Point(x: corner.x + 0.5, y: corner.y - 0.5)
            if let owner = bySize.first(where: { outer[$0].ring.contains(pixel) }) { outer[owner].holes.append(hole) }
        }
        return outer.map { MaskPolygon(outer: $0.ring, holes: $0.holes) }
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
            }.map { Point(x: Double(corners[$0].x), y: Double(corners[$0].y)) })
    }
}

/// One part of a mask: what is inside its outer ring and outside its holes.
public struct MaskPolygon: Hashable, Sendable {
    public var outer: Polygon
    public var holes: [Polygon]

    public init(outer: Polygon, holes: [Polygon] = []) {
        self.outer = outer
        self.holes = holes
    }

    /// All rings, the outer one first.
    public var rings: [Polygon] { [outer] + holes }

    /// The polygon with fewer points, none farther than a tolerance from where it was. A ring that would shrink to nothing keeps
    /// its corners.
    public func simplified(tolerance: Double) -> MaskPolygon {
        MaskPolygon(
            outer: outer.simplified(tolerance: tolerance), holes: holes.map { $0.simplified(tolerance: tolerance) })
    }
}
