public import Imaging

extension Mask {
    /// The outline of the mask as the hosted API gives it: one ring through the centres of the border pixels of the
    /// largest component, holes ignored.
    ///
    /// It starts at the topmost pixel (leftmost of its row), goes down first, and straight runs in one of the eight
    /// directions are reduced to their end points: border following after Suzuki and Abe (1985), as OpenCV's
    /// `findContours(RETR_EXTERNAL, CHAIN_APPROX_SIMPLE)` does it. A ring of fewer than three points (a single pixel, a
    /// line) is replaced by the rectangle around those pixels, so that every polygon has an inside.
    ///
    /// - Returns: `nil` for an empty mask.
    public var outline: Polygon? {
        let component = largestComponent
        let ring = component.borderRing()
        guard !ring.isEmpty else { return nil }
        if ring.count >= 3 { return Polygon(points: ring.map { Point(x: Double($0.x), y: Double($0.y)) }) }
        return component.bounds.map { box in
            Polygon(points: [
                Point(x: box.x1, y: box.y1), Point(x: box.x1, y: box.y2),
                Point(x: box.x2, y: box.y2), Point(x: box.x2, y: box.y1),
            ])
        }
    }

    /// The outline in the pixels of a picture that the mask's image is a grid over.
    public func outline(in imageSize: ImageSize) -> Polygon? {
        guard imageSize != self.imageSize, let ring = outline else { return outline }
        let across = Double(imageSize.width) / Double(self.imageSize.width)
        let down = Double(imageSize.height) / Double(self.imageSize.height)
        return Polygon(points: ring.points.map { Point(x: $0.x * across, y: $0.y * down) })
    }

    /// The corners of the outer border of the component that has the first pixel in raster order.
    private func borderRing() -> [(x: Int, y: Int)] {
        guard let row = rows.first(where: { !runs(inRow: $0).isEmpty }), let run = runs(inRow: row).first else {
            return []
        }
        let start = (x: Int(run.start), y: row)
        // East, and on against the clock; y points down.
        let steps: [(x: Int, y: Int)] = [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)]
        func isSet(_ point: (x: Int, y: Int), _ direction: Int) -> Bool {
            contains(x: point.x + steps[direction].x, y: point.y + steps[direction].y)
        }

        // The last pixel of the ring: the first neighbour clockwise from the west.
        var direction = 4
        repeat { direction = (direction + 7) & 7 } while !isSet(start, direction) && direction != 4
        guard direction != 4 else { return [start] }
        let last = (x: start.x + steps[direction].x, y: start.y + steps[direction].y)

        var ring: [(x: Int, y: Int)] = []
        var at = start
        var previous = direction ^ 4  // the direction in which `at` was reached
        while true {
            repeat { direction = (direction + 1) & 7 } while !isSet(at, direction)
            if direction != previous { ring.append(at) }
            previous = direction
            let next = (x: at.x + steps[direction].x, y: at.y + steps[direction].y)
            if next == start && at == last { return ring }
            at = next
            direction = (direction + 4) & 7
        }
    }
}
