/// A resampling method.
public enum Resampling: Hashable, Sendable {
    /// Bilinear on bytes, as OpenCV does it. A reduction skips the pixels in between.
    case bilinearFixedPoint
    /// Bilinear in floating point, without intermediate rounding.
    case bilinear
    /// Bilinear with the filter widened by the reduction factor, as Pillow does it, so that every pixel contributes.
    case bilinearAntialiased
}

extension RasterImage {
    /// Returns the image as a network's input, resized by another method. See
    /// `planarFloats(transform:padding:scaling:)`.
    public func planarFloats(
        transform: ImageTransform, padding: Padding, scaling: Normalization, resampling: Resampling
    ) -> [Float] {
        switch resampling {
        case .bilinearFixedPoint: return planarFloats(transform: transform, padding: padding, scaling: scaling)
        case .bilinearAntialiased:
            return resampled(to: transform.resizedSize).planarFloats(
                transform: transform, padding: padding, scaling: scaling)
        case .bilinear:
            if size == transform.resizedSize {
                return planarFloats(transform: transform, padding: padding, scaling: scaling)
            }
            return exactFloats(transform, padding, scaling)
        }
    }

    /// Bilinear with half-pixel centers, edges clamped, in floats; the scaling is linear and comes after.
    private func exactFloats(_ transform: ImageTransform, _ padding: Padding, _ scaling: Normalization) -> [Float] {
        let network = transform.networkSize
        let target = transform.resizedSize
        let columns = Self.exactTaps(source: size.width, target: target.width)
        let rows = Self.exactTaps(source: size.height, target: target.height)
        var output: [Float] = []
        output.reserveCapacity(3 * network.area)
        for channel in 0..<3 {
            output += [Float](repeating: padding.value(channel: channel, scaling), count: network.area)
        }
        pixels.withUnsafeBufferPointer { pixels in
            output.withUnsafeMutableBufferPointer { output in
                for channel in 0..<3 {
                    let from = scaling.sourceChannel(channel)
                    let (mean, deviation) = (scaling.mean[from], scaling.standardDeviation[from])
                    for y in 0..<target.height {
                        let row = rows[y]
                        let upper = 3 * row.first * size.width + from
                        let lower = 3 * row.second * size.width + from
                        let at = channel * network.area + (transform.top + y) * network.width + transform.left
                        for x in 0..<target.width {
                            let column = columns[x]
                            let (a, b) = (3 * column.first, 3 * column.second)
                            let top =
                                Float(pixels[upper + a]) * (1 - column.share)
                                + Float(pixels[upper + b]) * column.share
                            let bottom =
                                Float(pixels[lower + a]) * (1 - column.share)
                                + Float(pixels[lower + b]) * column.share
                            let value = top * (1 - row.share) + bottom * row.share
                            output[at + x] = (value / scaling.divisor - mean) / deviation
                        }
                    }
                }
            }
        }
        return output
    }

    private static func exactTaps(source: Int, target: Int) -> [(first: Int, second: Int, share: Float)] {
        let ratio = Double(source) / Double(target)
        return (0..<target).map { i in
            let position = min(max((Double(i) + 0.5) * ratio - 0.5, 0), Double(source - 1))
            let first = Int(position)
            return (first, min(first + 1, source - 1), Float(position - Double(first)))
        }
    }

    /// Returns the image in another size, resized with Pillow's bilinear filter. It filters horizontally and then
    /// vertically with weights of 22 bits, and rounds to bytes after each pass.
    ///
    /// Source: Pillow, `src/libImaging/Resample.c`.
    public func resampled(to target: ImageSize) -> RasterImage {
        guard target != size else { return self }
        let across = FilterTaps(source: size.width, target: target.width)
        let down = FilterTaps(source: size.height, target: target.height)
        var middle = [UInt8](repeating: 0, count: 3 * target.width * size.height)
        for y in 0..<size.height {
            for x in 0..<target.width {
                let tap = across.taps[x]
                for channel in 0..<3 {
                    var sum = FilterTaps.half
                    for (i, weight) in tap.weights.enumerated() {
                        sum &+= Int(pixels[3 * (y * size.width + tap.first + i) + channel]) &* weight
                    }
                    middle[3 * (y * target.width + x) + channel] = FilterTaps.byte(sum)
                }
            }
        }
        var result = [UInt8](repeating: 0, count: 3 * target.area)
        let stride = 3 * target.width
        for y in 0..<target.height {
            let tap = down.taps[y]
            for x in 0..<stride {
                var sum = FilterTaps.half
                for (i, weight) in tap.weights.enumerated() {
                    sum &+= Int(middle[(tap.first + i) * stride + x]) &* weight
                }
                result[y * stride + x] = FilterTaps.byte(sum)
            }
        }
        return RasterImage(size: target, pixels: result, originalSize: originalSize)
    }
}

/// Which source pixels make each target pixel, with weights of 22 bits.
private struct FilterTaps {
    static let half = 1 << 21
    private(set) var taps: [(first: Int, weights: [Int])] = []

    init(source: Int, target: Int) {
        let scale = Double(source) / Double(target)
        let support = max(scale, 1)
        for i in 0..<target {
            let centre = (Double(i) + 0.5) * scale
            let first = max(Int(centre - support + 0.5), 0)
            let last = min(Int(centre + support + 0.5), source)
            var weights = (first..<last).map { k in max(1 - abs((Double(k) - centre + 0.5) / support), 0) }
            let sum = weights.reduce(0, +)
            if sum != 0 { weights = weights.map { $0 / sum } }
            taps.append((first, weights.map { Int(($0 * Double(1 << 22) + ($0 < 0 ? -0.5 : 0.5))) }))
        }
    }

    static func byte(_ sum: Int) -> UInt8 { UInt8(min(max(sum >> 22, 0), 255)) }
}
