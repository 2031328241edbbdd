public import Imaging

extension Mask {
    /// The outline of the mask as the hosted API returns it: one ring through the centers of the border pixels of the
    /// largest component, without holes.
    ///
    /// The ring starts at the topmost pixel (the leftmost in its row) and continues downward. Straight runs in one of
    /// the eight directions are reduced to their end points. This is the border following of Suzuki and Abe (1985), as
    /// implemented by OpenCV's `findContours(RETR_EXTERNAL, CHAIN_APPROX_SIMPLE)`. A ring of fewer than three points (a
    /// single pixel, a line) is replaced by the rectangle around those pixels, so that every polygon has an interior.
    ///
    /// - Returns: `nil` for an empty mask.
    public var hostedOutline: Polygon? {
        let component = largestComponent
        let ring = component.borderRing()
        guard !ring.isEmpty else { return nil }
        if ring.count >= 3 { return Polygon(points: ring.map { PixelPoint(x: Double($0.x), y: Double($0.y)) }) }
        return component.bounds.map { box in
            Polygon(points: [
                PixelPoint(x: box.x1, y: box.y1), PixelPoint(x: box.x1, y: box.y2),
                PixelPoint(x: box.x2, y: box.y2), PixelPoint(x: box.x2, y: box.y1),
            ])
        }
    }

    /// Returns the outline in image pixels, for a mask that is a coarser grid over the image.
    public func hostedOutline(in imageSize: ImageSize) -> Polygon? {
        guard imageSize != self.imageSize, let ring = hostedOutline else { return hostedOutline }
        let across = Double(imageSize.width) / Double(self.imageSize.width)
        let down = Double(imageSize.height) / Double(self.imageSize.height)
        return Polygon(points: ring.points.map { PixelPoint(x: $0.x * across, y: $0.y * down) })
    }

    /// Returns a simplified outline in image pixels, for a mask that is a grid over the image. Each border pixel is
    /// within the tolerance of it, and it does not cross or touch itself.
    ///
    /// Where a part of the mask is one pixel wide, its outline runs forth and back along the same pixels. The two
    /// directions are first separated by a tenth of a pixel, or by the tolerance if that is less. Coordinates are
    /// multiples of a hundredth.
    ///
    /// - Parameter tolerance: in image pixels. Below 0.02 the two directions are not separated.
    /// - Returns: `nil` for an empty mask.
    public func hostedOutline(in imageSize: ImageSize, tolerance: Double) -> Polygon? {
        let component = largestComponent
        var steps: [BorderStep] = []
        component.followBorder { steps.append($0) }
        guard steps.count(where: \.isCorner) >= 3 else {
            return hostedOutline(in: imageSize)?.simplified(tolerance: tolerance)
        }
        let across = Double(imageSize.width) / Double(self.imageSize.width)
        let down = Double(imageSize.height) / Double(self.imageSize.height)
        let visits = Dictionary(steps.map { ($0.y * self.imageSize.width + $0.x, 1) }, uniquingKeysWith: +)
        let separation = min(0.1, tolerance / max(across, down, 1))
        let isSeparable = separation * min(across, down) >= 0.02
        var points: [PixelPoint] = [], centers: [PixelPoint] = []
        for step in steps {
            let isShared = isSeparable && visits[step.y * self.imageSize.width + step.x, default: 1] > 1
            guard isShared || step.isCorner else { continue }
            let shift = isShared ? step.outward(by: separation) : PixelPoint(x: 0, y: 0)
            let x = max(Double(step.x) + shift.x, 0) * across, y = max(Double(step.y) + shift.y, 0) * down
            points.append(PixelPoint(x: (x * 100).rounded() / 100, y: (y * 100).rounded() / 100))
            centers.append(PixelPoint(x: Double(step.x) * across, y: Double(step.y) * down))
        }
        return Polygon(
            points: RingSimplifier.simplified([points], references: [centers], tolerance: tolerance)[0])
    }

    /// The corners of the outer border of the component that has the first pixel in raster order.
    private func borderRing() -> [(x: Int, y: Int)] {
        var ring: [(x: Int, y: Int)] = []
        followBorder { if $0.isCorner { ring.append((x: $0.x, y: $0.y)) } }
        return ring
    }

    /// Visits the pixels of the outer border of the component that has the first pixel in raster order, some of them repeatedly.
    private func followBorder(_ visit: (BorderStep) -> Void) {
        guard let row = rows.first(where: { !runs(inRow: $0).isEmpty }), let run = runs(inRow: row).first else {
            return
        }
        let start = (x: Int(run.start), y: row)
        func isSet(_ point: (x: Int, y: Int), _ direction: Int) -> Bool {
            contains(x: point.x + BorderStep.directions[direction].x, y: point.y + BorderStep.directions[direction].y)
        }

        // The last pixel of the ring: the first neighbor clockwise from the west.
        var direction = 4
        repeat { direction = (direction + 7) & 7 } while !isSet(start, direction) && direction != 4
        guard direction != 4 else { return visit(BorderStep(x: start.x, y: start.y, arrived: 4, leaves: 0)) }
        let last = (x: start.x + BorderStep.directions[direction].x, y: start.y + BorderStep.directions[direction].y)

        var at = start
        var arrived = direction ^ 4  // the direction in which `at` was reached
        while true {
            repeat { direction = (direction + 1) & 7 } while !isSet(at, direction)
            visit(BorderStep(x: at.x, y: at.y, arrived: arrived, leaves: direction))
            arrived = direction
            let next = (x: at.x + BorderStep.directions[direction].x, y: at.y + BorderStep.directions[direction].y)
            if next == start && at == last { return }
            at = next
            direction = (direction + 4) & 7
        }
    }
}

/// A visit of a pixel on the way along a border.
private struct BorderStep {
    let x: Int
    let y: Int
    /// The directions in which the pixel was reached and is left: east is 0, and on counterclockwise in steps of 45 degrees.
    let arrived: Int
    let leaves: Int

    /// Steps in the directions; y points down.
    static let directions: [(x: Int, y: Int)] = [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)]
    /// Whether the way turns here.
    var isCorner: Bool { arrived != leaves }

    /// A step into what is outside, between the way to the pixel and the way from it.
    /// - Parameter distance: its length at most, in pixels of the mask.
    func outward(by distance: Double) -> PixelPoint {
        let back = (arrived + 4) & 7
        let turn = (leaves - back) & 7
        let middle = 2 * back + (turn == 0 ? 8 : turn)  // in steps of 22.5 degrees
        let direction = Self.directions[(middle / 2) & 7]
        let length = direction.x != 0 && direction.y != 0 ? 0.7 * distance : distance
        return PixelPoint(x: Double(direction.x) * length, y: Double(direction.y) * length)
    }
}
