/// Contrast limited adaptive histogram equalization (CLAHE) of one channel, with the arithmetic of scikit-image.
///
/// Source: scikit-image 0.25, `exposure/_adapthist.py`, after Zuiderveld, *Contrast Limited Adaptive Histogram Equalization*, Graphics Gems
/// IV (1994).
struct AdaptiveEqualization {
    /// The equalized values, 0 to 1, row after row.
    let values: [Float]

    private static let levels = 1 << 14
    private static let bins = 256

    /// One axis of the image, cut into tiles. Padding of half a tile precedes the image; the rest of the last tile and
    /// another half follow it.
    private struct Axis {
        let length: Int
        /// Length of a part.
        let part: Int
        /// The number of parts with a histogram of their own.
        let count: Int

        init(_ length: Int) {
            self.length = length
            part = max(length / 8, 1)
            count = (length + (part - length % part) % part) / part
        }

        /// The pixel that stands at a position before or behind the image: reflected at its first and last pixel.
        func pixel(_ position: Int) -> Int {
            guard length > 1 else { return 0 }
            let period = 2 * (length - 1)
            let rest = ((position % period) + period) % period
            return rest < length ? rest : period - rest
        }
    }

    /// - Parameters:
    ///   - values: 0 to 1, row after row.
    ///   - clipLimit: the largest share of a part's pixels that one bin of its histogram may have.
    init(_ values: [Float], size: ImageSize, clipLimit: Double) {
        let grays = Self.grays(values)
        let (down, across) = (Axis(size.height), Axis(size.width))
        let area = down.part * across.part
        let limit = max(Int(clipLimit * Double(area)), 1)
        var maps: [[Int]] = []
        maps.reserveCapacity(down.count * across.count)
        for row in 0..<down.count {
            for column in 0..<across.count {
                var histogram = [Int](repeating: 0, count: Self.bins)
                for y in row * down.part..<(row + 1) * down.part {
                    let line = down.pixel(y) * size.width
                    for x in column * across.part..<(column + 1) * across.part {
                        histogram[grays[line + across.pixel(x)]] += 1
                    }
                }
                Self.clip(&histogram, limit)
                var sum = 0
                let factor = Double(Self.levels - 1) / Double(area)
                maps.append(
                    histogram.map { count in
                        sum += count
                        return Int(min(Double(sum) * factor, Double(Self.levels - 1)))
                    })
            }
        }
        let mapped = Self.interpolated(grays, size, down, across, maps)
        let (lowest, highest) = (mapped.min() ?? 0, mapped.max() ?? 0)
        self.values =
            lowest == highest
            ? mapped.map { min(max($0, 0), 1) } : mapped.map { ($0 - lowest) / (highest - lowest) }
    }

    /// Bins of the values, which are first spread from the lowest to the highest over all levels.
    private static func grays(_ values: [Float]) -> [Int] {
        let wide = values.map { Double(($0 * 65535).rounded(.toNearestOrEven)) }
        let (lowest, highest) = (wide.min() ?? 0, wide.max() ?? 0)
        let (top, width) = (Double(levels - 1), 1 + levels / bins)
        return wide.map { value in
            let level = lowest == highest ? min(max(value, 0), top) : (value - lowest) / (highest - lowest) * top
            return Int(level.rounded(.toNearestOrEven)) / width
        }
    }

    /// Limits the bins of a histogram, and spreads what is cut off over those that are below the limit.
    private static func clip(_ histogram: inout [Int], _ limit: Int) {
        var excess = 0
        for bin in histogram.indices where histogram[bin] > limit {
            excess += histogram[bin] - limit
            histogram[bin] = limit
        }
        let increment = excess / histogram.count
        let upper = limit - increment
        for bin in histogram.indices where histogram[bin] < upper {
            histogram[bin] += increment
            excess -= increment
        }
        for bin in histogram.indices where histogram[bin] >= upper && histogram[bin] < limit {
            excess += histogram[bin] - limit
            histogram[bin] = limit
        }
        while excess > 0 {
            let before = excess
            for start in histogram.indices {
                let below = histogram.count { $0 < limit }
                let step = max(1, below / excess)
                for bin in stride(from: start, to: histogram.count, by: step) where histogram[bin] < limit {
                    histogram[bin] += 1
                    excess -= 1
                }
                if excess <= 0 { break }
            }
            if excess == before { break }
        }
    }

    /// Each pixel's level by the maps of the four parts around it.
    private static func interpolated(
        _ grays: [Int], _ size: ImageSize, _ down: Axis, _ across: Axis, _ maps: [[Int]]
    ) -> [Float] {
        func neighbors(_ position: Int, _ axis: Axis) -> (first: Int, second: Int, share: Double) {
            let (block, offset) = (position + axis.part / 2).quotientAndRemainder(dividingBy: axis.part)
            return (
                min(max(block - 1, 0), axis.count - 1), min(block, axis.count - 1), Double(offset) / Double(axis.part)
            )
        }
        let columns = (0..<size.width).map { neighbors($0, across) }
        var result = [Float](repeating: 0, count: grays.count)
        for y in 0..<size.height {
            let row = neighbors(y, down)
            let (upper, lower) = (row.first * across.count, row.second * across.count)
            for x in 0..<size.width {
                let (column, gray) = (columns[x], grays[y * size.width + x])
                let (left, right, above, below) = (1 - column.share, column.share, 1 - row.share, row.share)
                var sum = Float(Double(maps[upper + column.first][gray]) * (left * above))
                sum += Float(Double(maps[upper + column.second][gray]) * (right * above))
                sum += Float(Double(maps[lower + column.first][gray]) * (left * below))
                sum += Float(Double(maps[lower + column.second][gray]) * (right * below))
                result[y * size.width + x] = sum.rounded(.down)
            }
        }
        return result
    }
}
