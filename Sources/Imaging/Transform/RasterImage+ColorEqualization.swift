/// Histogram equalization of colors, as scikit-image does it for images of three channels.
extension RasterImage {
    /// Returns the image with the values of all channels equalized by one shared histogram.
    ///
    /// Source: scikit-image, `exposure.equalize_hist` on 32-bit floats, with NumPy's `histogram` and `interp`.
    public func colorEqualized() -> RasterImage {
        var counts = [Int](repeating: 0, count: 256)
        for value in pixels { counts[Int(value)] += 1 }
        guard let lowest = counts.firstIndex(where: { $0 > 0 }), let highest = counts.lastIndex(where: { $0 > 0 })
        else { return self }
        let bins = 256
        func share(_ byte: Int) -> Float { Float(byte) / 255 }
        var (first, last) = (share(lowest), share(highest))
        if first == last { (first, last) = (first - 0.5, last + 0.5) }
        let step = (last - first) / Float(bins)
        let edges = (0...bins).map { $0 == bins ? last : Float($0) * step + first }
        var histogram = [Int](repeating: 0, count: bins)
        for byte in lowest...highest where counts[byte] > 0 {
            let value = share(byte)
            var bin = min(max(Int((value - first) / (last - first) * Float(bins)), 0), bins - 1)
            if value < edges[bin] { bin = max(bin - 1, 0) }
            if value >= edges[bin + 1], bin != bins - 1 { bin += 1 }
            histogram[bin] += counts[byte]
        }
        var sum = 0
        let cumulative = histogram.map { count -> Double in
            sum += count
            return Double(Float(Double(sum) / Double(pixels.count)))
        }
        let centers = (0..<bins).map { Double((edges[$0] + edges[$0 + 1]) / 2) }
        let table = (0...255).map { byte -> UInt8 in
            let x = Double(share(byte))
            let level: Double
            if x <= centers[0] {
                level = cumulative[0]
            } else if x >= centers[bins - 1] {
                level = cumulative[bins - 1]
            } else {
                var (low, high) = (0, bins - 1)
                while high - low > 1 {
                    let middle = (low + high) / 2
                    if centers[middle] <= x { low = middle } else { high = middle }
                }
                let slope = (cumulative[low + 1] - cumulative[low]) / (centers[low + 1] - centers[low])
                level = slope * (x - centers[low]) + cumulative[low]
            }
            return UInt8(min(max(Float(level) * 255, 0), 255))
        }
        return RasterImage(size: size, pixels: pixels.map { table[Int($0)] }, originalSize: originalSize)
    }

    /// Returns the image with its brightness (the V of HSV) equalized adaptively, with a limit to the slope. Each tile
    /// measures an eighth of the image's sides.
    ///
    /// Source: scikit-image, `exposure.equalize_adapthist` on 32-bit floats.
    public func colorAdaptivelyEqualized(clipLimit: Double = 0.03) -> RasterImage {
        let values = (0..<size.area).map { i in
            Float(max(pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2])) / 255
        }
        let levels = AdaptiveEqualization(values, size: size, clipLimit: clipLimit).values
        var result = [UInt8](repeating: 0, count: pixels.count)
        for i in 0..<size.area {
            let color = HueSaturation(pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]).color(value: levels[i])
            (result[3 * i], result[3 * i + 1], result[3 * i + 2]) = color
        }
        return RasterImage(size: size, pixels: result, originalSize: originalSize)
    }
}

/// Hue and saturation of a color, in 32-bit floats.
///
/// Source: scikit-image, `color.rgb2hsv` and `color.hsv2rgb`.
private struct HueSaturation {
    private let hue: Float
    private let saturation: Float

    init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        let (red, green, blue) = (Float(red) / 255, Float(green) / 255, Float(blue) / 255)
        let value = max(red, green, blue)
        let delta = value - min(red, green, blue)
        guard delta != 0 else {
            (hue, saturation) = (0, 0)
            return
        }
        saturation = delta / value
        var sector = (green - blue) / delta
        if green == value { sector = 2 + (blue - red) / delta }
        if blue == value { sector = 4 + (red - green) / delta }
        let turn = sector / 6
        hue = turn < 0 ? turn + 1 : turn
    }

    /// The color of this hue and saturation, each channel cut to a whole number.
    func color(value: Float) -> (UInt8, UInt8, UInt8) {
        let sector = (hue * 6).rounded(.down)
        let share = hue * 6 - sector
        let p = byte(value * (1 - saturation))
        let q = byte(value * (1 - share * saturation))
        let t = byte(value * (1 - (1 - share) * saturation))
        let v = byte(value)
        switch Int(sector) % 6 {
        case 0: return (v, t, p)
        case 1: return (q, v, p)
        case 2: return (p, v, t)
        case 3: return (p, q, v)
        case 4: return (t, p, v)
        default: return (v, p, q)
        }
    }

    private func byte(_ level: Float) -> UInt8 { UInt8(min(max(level * 255, 0), 255)) }
}
