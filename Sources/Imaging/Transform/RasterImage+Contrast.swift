/// Steps that some models were trained behind.
extension RasterImage {
    /// Returns a region of the image as a new image.
    public func cropped(to region: ImageRegion) -> RasterImage {
        let width = min(region.size.width, size.width - region.x)
        let height = min(region.size.height, size.height - region.y)
        var part: [UInt8] = []
        part.reserveCapacity(3 * width * height)
        for y in region.y..<region.y + height {
            let start = 3 * (y * size.width + region.x)
            part += pixels[start..<start + 3 * width]
        }
        return RasterImage(size: ImageSize(width: width, height: height), pixels: part)
    }

    /// Returns the image in gray, with equal channels, weighted as in ITU-R BT.601.
    public func grayscale() -> RasterImage { withGray(grayValues()) }

    /// Returns the image with its contrast stretched: the 2nd and the 98th percentile of all values become 0 and 255.
    public func stretched() -> RasterImage {
        var counts = [Int](repeating: 0, count: 256)
        for value in pixels { counts[Int(value)] += 1 }
        /// As NumPy: between the two nearest values by their share.
        func percentile(_ share: Double) -> Double {
            let position = share * Double(pixels.count - 1)
            func value(at index: Int) -> Int {
                var left = index
                for (value, count) in counts.enumerated() {
                    if left < count { return value }
                    left -= count
                }
                return 255
            }
            let low = value(at: Int(position)), high = value(at: min(Int(position) + 1, pixels.count - 1))
            return Double(low) + (position - position.rounded(.down)) * Double(high - low)
        }
        let low = percentile(0.02), high = percentile(0.98)
        guard high > low else { return self }
        let table = (0...255).map { UInt8(min(max((Double($0) - low) / (high - low), 0), 1) * 255) }
        return mapped { table[Int($0)] }
    }

    /// Returns the image in gray with its histogram equalized over 0...255.
    public func equalized() -> RasterImage {
        let gray = grayValues()
        var counts = [Int](repeating: 0, count: 256)
        for value in gray { counts[Int(value)] += 1 }
        let table = Self.equalization(counts.map(Double.init))
        return withGray(gray.map { table[Int($0)] })
    }

    /// Returns the image in gray, equalized adaptively with limited contrast (CLAHE). The histograms of 8 x 8 tiles
    /// have limited slopes, and are interpolated between tiles.
    ///
    /// Source: Zuiderveld, *Contrast Limited Adaptive Histogram Equalization*, Graphics Gems IV (1994).
    public func adaptivelyEqualized(clipLimit: Double = 0.03, parts: Int = 8) -> RasterImage {
        let gray = grayValues()
        let (width, height) = (size.width, size.height)
        let columns = min(parts, width), rows = min(parts, height)
        func edge(_ i: Int, _ count: Int, _ length: Int) -> Int { i * length / count }
        var tables: [[UInt8]] = []
        for row in 0..<rows {
            for column in 0..<columns {
                var counts = [Int](repeating: 0, count: 256)
                for y in edge(row, rows, height)..<edge(row + 1, rows, height) {
                    for x in edge(column, columns, width)..<edge(column + 1, columns, width) {
                        counts[Int(gray[y * width + x])] += 1
                    }
                }
                let limit = max(Int(clipLimit * Double(counts.reduce(0, +))), 1)
                let excess = counts.reduce(0) { $0 + max($1 - limit, 0) }
                tables.append(Self.equalization(counts.map { Double(min($0, limit)) + Double(excess) / 256 }))
            }
        }
        var result = [UInt8](repeating: 0, count: gray.count)
        for y in 0..<height {
            let v = (Double(y) + 0.5) * Double(rows) / Double(height) - 0.5
            let upper = min(max(Int(v.rounded(.down)), 0), rows - 1),
                lower = min(max(Int(v.rounded(.down)) + 1, 0), rows - 1)
            let down = v - v.rounded(.down)
            for x in 0..<width {
                let u = (Double(x) + 0.5) * Double(columns) / Double(width) - 0.5
                let left = min(max(Int(u.rounded(.down)), 0), columns - 1)
                let right = min(max(Int(u.rounded(.down)) + 1, 0), columns - 1)
                let across = u - u.rounded(.down)
                let value = Int(gray[y * width + x])
                let top =
                    Double(tables[upper * columns + left][value]) * (1 - across)
                    + Double(tables[upper * columns + right][value]) * across
                let bottom =
                    Double(tables[lower * columns + left][value]) * (1 - across)
                    + Double(tables[lower * columns + right][value]) * across
                result[y * width + x] = UInt8((top * (1 - down) + bottom * down).rounded())
            }
        }
        return withGray(result)
    }

    private static func equalization(_ counts: [Double]) -> [UInt8] {
        let total = counts.reduce(0, +)
        guard total > 0 else { return (0...255).map { UInt8($0) } }
        var sum = 0.0
        return counts.map { count in
            sum += count
            return UInt8(min(sum / total * 255, 255).rounded())
        }
    }

    private func grayValues() -> [UInt8] {
        (0..<size.area).map { i in
            // OpenCV's weights, of 15 bits.
            let sum = 9798 * Int(pixels[3 * i]) + 19235 * Int(pixels[3 * i + 1]) + 3735 * Int(pixels[3 * i + 2])
            return UInt8(min((sum + 16384) >> 15, 255))
        }
    }

    private func withGray(_ gray: [UInt8]) -> RasterImage {
        RasterImage(size: size, pixels: gray.flatMap { [$0, $0, $0] }, originalSize: originalSize)
    }

    private func mapped(_ change: (UInt8) -> UInt8) -> RasterImage {
        RasterImage(size: size, pixels: pixels.map(change), originalSize: originalSize)
    }
}
