public import Imaging

extension RunLengthEncoding {
    /// The pixels inside a ring as COCO's tools count them.
    ///
    /// The ring is drawn on a grid five times as fine; where it crosses the centre of a column, the column changes between
    /// outside and inside at the next row. Equal to pycocotools' `frPyObjects`, pixel by pixel, which matters because
    /// published accuracies are measured with it.
    ///
    /// - Parameter ring: `x, y, x, y, ...` in image pixels, where (0, 0) is the corner of the first pixel.
    public init(size: ImageSize, cocoRing ring: [Double]) {
        let fineness = 5.0
        let count = ring.count / 2
        guard count > 0 else {
            self.init(size: size, counts: [size.area])
            return
        }
        let fine = (0...count).map { i in
            (x: Int(fineness * ring[2 * (i % count)] + 0.5), y: Int(fineness * ring[2 * (i % count) + 1] + 0.5))
        }
        // Every point of the fine grid along the ring; the longer axis advances by one.
        var along: [(x: Int, y: Int)] = []
        for (start, end) in zip(fine, fine.dropFirst()) {
            let (dx, dy) = (abs(end.x - start.x), abs(end.y - start.y))
            let isFlat = dx >= dy
            let isFlipped = isFlat ? start.x > end.x : start.y > end.y
            let (from, to) = isFlipped ? (end, start) : (start, end)
            let length = isFlat ? dx : dy
            let slope = length == 0 ? 0 : Double(isFlat ? to.y - from.y : to.x - from.x) / Double(length)
            for step in 0...length {
                let t = isFlipped ? length - step : step
                if isFlat {
                    along.append((from.x + t, Int(Double(from.y) + slope * Double(t) + 0.5)))
                } else {
                    along.append((Int(Double(from.x) + slope * Double(t) + 0.5), from.y + t))
                }
            }
        }
        // Where the ring passes a column's centre, in column-major order.
        var crossings: [Int] = []
        for (last, point) in zip(along, along.dropFirst()) where point.x != last.x {
            let x = (Double(point.x < last.x ? point.x : point.x - 1) + 0.5) / fineness - 0.5
            guard x == x.rounded(.down), x >= 0, x <= Double(size.width - 1) else { continue }
            let y = (Double(min(point.y, last.y)) + 0.5) / fineness - 0.5
            crossings.append(Int(x) * size.height + Int(min(max(y, 0), Double(size.height)).rounded(.up)))
        }
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
}
