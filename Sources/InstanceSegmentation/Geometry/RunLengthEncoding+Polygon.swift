public import Imaging

extension RunLengthEncoding {
    /// Rasterizes a ring as COCO's tools do.
    ///
    /// The ring is drawn on a grid that is five times as fine. Where it crosses the center of a column, the column
    /// changes between outside and inside at the next row. The result equals pycocotools' `frPyObjects` pixel by pixel,
    /// which matters because published accuracies are measured with it. Only the crossings are computed, so a ring may
    /// reach far beyond its image.
    ///
    /// - Parameters:
    ///   - ring: `x, y, x, y, ...` in image pixels, where (0, 0) is the corner of the first pixel.
    ///   - maxCrossings: maximum number of times the ring may cross the centers of columns.
    /// - Returns: `nil` for coordinates that are not finite or exceed `maxCoordinate`, and for too many crossings.
    public init?(size: ImageSize, cocoRing ring: [Double], maxCrossings: Int = 1 << 24) {
        var remaining = maxCrossings
        self.init(size: size, cocoRing: ring, remaining: &remaining)
    }

    /// The same for one of many rings.
    /// - Parameter remaining: how often this ring and those after it may cross the centers of columns. It is reduced by the crossings of
    ///   this one, also by those that undo each other, and is negative where they are too many.
    init?(size: ImageSize, cocoRing ring: [Double], remaining: inout Int) {
        let count = ring.count / 2
        // A last number without a partner is not looked at.
        let ring = ring.prefix(2 * count)
        guard ring.allSatisfy({ $0.magnitude <= Self.maxCoordinate }) else { return nil }
        let fine = ring.map { Int(5 * $0 + 0.5) }
        var crossings: [Int] = []
        for i in 0..<count {
            let j = (i + 1) % count
            Self.addCrossings(
                from: (fine[2 * i], fine[2 * i + 1]), to: (fine[2 * j], fine[2 * j + 1]), size: size, to: &crossings)
            guard crossings.count <= remaining else {
                remaining -= crossings.count
                return nil
            }
        }
        remaining -= crossings.count
        crossings.append(size.area)
        crossings.sort()
        // Distances between crossings; two at one place undo each other.
        var counts: [Int] = []
        var last = 0
        var joinsNext = false
        for (i, crossing) in crossings.enumerated() {
            let distance = crossing - last
            last = crossing
            if joinsNext {
                counts[counts.count - 1] += distance
                joinsNext = false
            } else if distance > 0 || i == 0 {
                counts.append(distance)
            } else {
                joinsNext = true
            }
        }
        self.init(size: size, counts: counts)
    }

    /// The largest coordinate that pycocotools can draw, which computes with 32 bits.
    static let maxCoordinate = 4e8

    /// Adds where a line of the fine grid passes the centers of columns, in column-major order. Along the line the longer axis
    /// advances by one; column c is passed between the fine columns 5c + 2 and 5c + 3.
    private static func addCrossings(
        from start: (x: Int, y: Int), to end: (x: Int, y: Int), size: ImageSize, to crossings: inout [Int]
    ) {
        let (dx, dy) = (abs(end.x - start.x), abs(end.y - start.y))
        guard dx > 0 else { return }
        let isFlat = dx >= dy
        let (from, to) = (isFlat ? start.x > end.x : start.y > end.y) ? (end, start) : (start, end)
        let slope = isFlat ? Double(to.y - from.y) / Double(dx) : Double(to.x - from.x) / Double(dy)
        let (left, right) = (min(from.x, to.x), max(from.x, to.x))
        let first = max(0, (left + 2).quotientRoundedDown(by: 5)),
            last = min(size.width - 1, (right - 3).quotientRoundedDown(by: 5))
        guard first <= last else { return }
        for column in first...last {
            let fine = 5 * column + 2
            guard left <= fine, fine < right else { continue }
            let height: Int
            if isFlat {
                let t = fine - from.x
                func y(_ t: Int) -> Int { Int(Double(from.y) + slope * Double(t) + 0.5) }
                height = min(y(t), y(t + 1))
            } else {
                // The first step behind the center.
                var (low, high) = (0, dy)
                while low + 1 < high {
                    let middle = (low + high) / 2
                    let x = Int(Double(from.x) + slope * Double(middle) + 0.5)
                    if (x > fine) == (slope > 0) { high = middle } else { low = middle }
                }
                height = from.y + low
            }
            let y = min(max((Double(height) + 0.5) / 5 - 0.5, 0), Double(size.height)).rounded(.up)
            crossings.append(column * size.height + Int(y))
        }
    }
}

extension Int {
    fileprivate func quotientRoundedDown(by divisor: Int) -> Int {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}
