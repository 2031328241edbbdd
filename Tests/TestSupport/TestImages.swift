public import Imaging

extension RasterImage {
    /// An image without symmetries whose every pixel differs from its neighbors.
    public static func gradient(width: Int, height: Int) -> RasterImage {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                pixels += [
                    UInt8(truncatingIfNeeded: 255 * x / max(width - 1, 1)),
                    UInt8(truncatingIfNeeded: 255 * y / max(height - 1, 1)),
                    UInt8(truncatingIfNeeded: 3 * x + 5 * y),
                ]
            }
        }
        return RasterImage(size: ImageSize(width: width, height: height), pixels: pixels)
    }

    /// A white disc on black.
    public static func disc(width: Int, height: Int, centerX: Double, centerY: Double, radius: Double) -> RasterImage {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let (dx, dy) = (Double(x) + 0.5 - centerX, Double(y) + 0.5 - centerY)
                pixels += [UInt8](repeating: dx * dx + dy * dy < radius * radius ? 255 : 0, count: 3)
            }
        }
        return RasterImage(size: ImageSize(width: width, height: height), pixels: pixels)
    }

    /// Root of the mean squared difference to an image of the same size, in 0...255.
    public func difference(to other: RasterImage) -> Double {
        let sum = zip(pixels, other.pixels).reduce(0.0) { total, pair in
            let d = Double(pair.0) - Double(pair.1)
            return total + d * d
        }
        return (sum / Double(pixels.count)).squareRoot()
    }
}
