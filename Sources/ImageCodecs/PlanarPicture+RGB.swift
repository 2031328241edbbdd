import Imaging

extension PlanarPicture {
    /// The image in RGB as libheif gives it where 8 bits a color are asked for: chroma of lower resolution is repeated, not filtered.
    /// Returns `nil` for matrices that are not linear, none of which is read here (see `ColorGains`).
    ///
    /// Source: libheif 1.23, `libheif/color-conversion/yuv2rgb.cc`, `hdr_sdr.cc`, `monochrome.cc`, and `colorconversion.cc` for the order
    /// of the steps.
    func rgb() -> [UInt8]? {
        guard planes.count == 3 else { return gray() }
        guard let gains = ColorGains(signal) else { return nil }
        // Three steps of equal cost lead from more bits to 8; the search for the cheapest takes the shorter one for this kind.
        let usesIntegers = chroma == .halfBoth && signal.isFullRange && ![0, 8].contains(signal.matrix)
        return [UInt8](unsafeUninitializedCapacity: 3 * size.area) { output, count in
            guard let base = output.baseAddress else { return }
            planes[0].samples.withUnsafeBufferPointer { luma in
                planes[1].samples.withUnsafeBufferPointer { cb in
                    planes[2].samples.withUnsafeBufferPointer { cr in
                        for y in 0..<size.height {
                            let row = chroma == .halfBoth ? y / 2 : y
                            guard let luma = luma.baseAddress?.advanced(by: y * size.width),
                                let cb = cb.baseAddress?.advanced(by: row * planes[1].size.width),
                                let cr = cr.baseAddress?.advanced(by: row * planes[2].size.width)
                            else { return }
                            let to = base + 3 * y * size.width
                            if usesIntegers {
                                convertByIntegers(luma, cb, cr, gains, to)
                            } else {
                                convert(luma, cb, cr, gains, to)
                            }
                        }
                    }
                }
            }
            count = 3 * size.area
        }
    }

    /// Gray as it is stored, also where the file says that it does not use all numbers.
    private func gray() -> [UInt8] {
        let shift = bits - 8
        return [UInt8](unsafeUninitializedCapacity: 3 * size.area) { output, count in
            planes[0].samples.withUnsafeBufferPointer { luma in
                for i in 0..<luma.count {
                    let value = UInt8(truncatingIfNeeded: luma[i] >> Sample(truncatingIfNeeded: shift))
                    (output[3 * i], output[3 * i + 1], output[3 * i + 2]) = (value, value, value)
                }
            }
            count = 3 * size.area
        }
    }

    /// A row of full range with chroma of half the width, in 256ths.
    @inline(__always)
    private func convertByIntegers(
        _ luma: UnsafePointer<Sample>, _ cb: UnsafePointer<Sample>, _ cr: UnsafePointer<Sample>, _ gains: ColorGains,
        _ output: UnsafeMutablePointer<UInt8>
    ) {
        let shift = Int32(truncatingIfNeeded: bits - 8)
        let whole = gains.in256ths
        for x in 0..<size.width {
            let light = Int32(truncatingIfNeeded: luma[x]) &>> shift
            let u = (Int32(truncatingIfNeeded: cb[x / 2]) &>> shift) &- 128
            let v = (Int32(truncatingIfNeeded: cr[x / 2]) &>> shift) &- 128
            output[3 * x] = UInt8(clamping: light &+ ((whole.redFromCr &* v &+ 128) &>> 8))
            output[3 * x + 1] = UInt8(
                clamping: light &+ ((whole.greenFromCb &* u &+ whole.greenFromCr &* v &+ 128) &>> 8))
            output[3 * x + 2] = UInt8(clamping: light &+ ((whole.blueFromCb &* u &+ 128) &>> 8))
        }
    }

    /// A row of any kind, at its own depth.
    @inline(__always)
    private func convert(
        _ luma: UnsafePointer<Sample>, _ cb: UnsafePointer<Sample>, _ cr: UnsafePointer<Sample>, _ gains: ColorGains,
        _ output: UnsafeMutablePointer<UInt8>
    ) {
        let step = chroma == .full ? 1 : 2
        let half = Int32(1) << Int32(truncatingIfNeeded: bits - 1)
        let most = (Int32(1) << Int32(truncatingIfNeeded: bits)) - 1
        let shift = Int32(truncatingIfNeeded: bits - 8)
        let black = Float(Int32(16) << shift)
        func byte(_ value: Float) -> UInt8 {
            let rounded = Int32(value + 0.5)  // checked: sums of a few numbers of 16 bits
            return UInt8(truncatingIfNeeded: min(max(rounded, 0), most) >> shift)
        }
        for x in 0..<size.width {
            let (y, u, v) = (
                Int32(truncatingIfNeeded: luma[x]), Int32(truncatingIfNeeded: cb[x / step]),
                Int32(truncatingIfNeeded: cr[x / step])
            )
            let color: (red: Float, green: Float, blue: Float)
            switch signal.matrix {
            case 0 where signal.isFullRange: color = (Float(v), Float(y), Float(u))
            case 0:
                color = ((Float(v) - black) * 1.1429, (Float(y) - black) * 1.1689, (Float(u) - black) * 1.1429)
            case 8:
                let (green, orange) = (u - half, v - half)
                output[3 * x] = UInt8(clamping: y - green + orange) >> UInt8(truncatingIfNeeded: shift)
                output[3 * x + 1] = UInt8(clamping: y + green) >> UInt8(truncatingIfNeeded: shift)
                output[3 * x + 2] = UInt8(clamping: y - green - orange) >> UInt8(truncatingIfNeeded: shift)
                continue
            default:
                var (light, blue, red) = (Float(y), Float(u - half), Float(v - half))
                if !signal.isFullRange {
                    light = (light - black) * 1.1689
                    blue = blue * 1.1429
                    red = red * 1.1429
                }
                color = (
                    light + gains.redFromCr * red, light + gains.greenFromCb * blue + gains.greenFromCr * red,
                    light + gains.blueFromCb * blue
                )
            }
            output[3 * x] = byte(color.red)
            output[3 * x + 1] = byte(color.green)
            output[3 * x + 2] = byte(color.blue)
        }
    }
}

/// How much of Cb and Cr goes into red, green and blue.
///
/// Source: libheif 1.23, `libheif/nclx.cc`.
struct ColorGains {
    let redFromCr: Float
    let greenFromCb: Float
    let greenFromCr: Float
    let blueFromCb: Float

    /// Returns `nil` for matrices that are not linear.
    init?(_ signal: ColorSignal) {
        guard ![11, 14, 16].contains(signal.matrix) else { return nil }
        guard let (red, blue) = Self.shares(signal), red != 0 || blue != 0 else {
            (redFromCr, greenFromCb, greenFromCr, blueFromCb) = (1.402, -0.344136, -0.714136, 1.772)
            return
        }
        redFromCr = 2 * (-red + 1)
        greenFromCb = 2 * blue * (-blue + 1) / (blue + red - 1)
        greenFromCr = 2 * red * (-red + 1) / (blue + red - 1)
        blueFromCb = 2 * (-blue + 1)
    }

    /// The same in 256ths, rounded half away from zero.
    var in256ths: (redFromCr: Int32, greenFromCb: Int32, greenFromCr: Int32, blueFromCb: Int32) {
        func whole(_ gain: Float) -> Int32 {
            Int32((256 * gain).rounded(.toNearestOrAwayFromZero))  // checked: within 1024
        }
        return (whole(redFromCr), whole(greenFromCb), whole(greenFromCr), whole(blueFromCb))
    }

    /// The shares of red and blue in the brightness; `nil` where the matrix does not say them.
    private static func shares(_ signal: ColorSignal) -> (red: Float, blue: Float)? {
        switch signal.matrix {
        case 1: (0.2126, 0.0722)
        case 4: (0.30, 0.11)
        case 5, 6: (0.299, 0.114)
        case 7: (0.212, 0.087)
        case 9, 10: (0.2627, 0.0593)
        case 12, 13: derived(signal.primaries)
        default: nil
        }
    }

    /// The shares that follow from the primary colors and white (ITU-T H.273, equations 32 to 37).
    private static func derived(_ number: Int) -> (red: Float, blue: Float)? {
        guard let p = primaries[number] else { return nil }
        let (rz, gz, bz, wz) = (1 - (p.rx + p.ry), 1 - (p.gx + p.gy), 1 - (p.bx + p.by), 1 - (p.wx + p.wy))
        let whole =
            p.wy * (p.rx * (p.gy * bz - p.by * gz) + p.gx * (p.by * rz - p.ry * bz) + p.bx * (p.ry * gz - p.gy * rz))
        guard whole != 0 else { return nil }
        let red =
            p.ry * (p.wx * (p.gy * bz - p.by * gz) + p.wy * (p.bx * gz - p.gx * bz) + wz * (p.gx * p.by - p.bx * p.gy))
        let blue =
            p.by * (p.wx * (p.ry * gz - p.gy * rz) + p.wy * (p.gx * rz - p.rx * gz) + wz * (p.rx * p.gy - p.gx * p.ry))
        return (red / whole, blue / whole)
    }

    private typealias Primaries = (
        gx: Float, gy: Float, bx: Float, by: Float, rx: Float, ry: Float, wx: Float, wy: Float
    )

    private static let primaries: [Int: Primaries] = [
        1: (0.300, 0.600, 0.150, 0.060, 0.640, 0.330, 0.3127, 0.3290),
        4: (0.21, 0.71, 0.14, 0.08, 0.67, 0.33, 0.310, 0.316),
        5: (0.29, 0.60, 0.15, 0.06, 0.64, 0.33, 0.3127, 0.3290),
        6: (0.310, 0.595, 0.155, 0.070, 0.630, 0.340, 0.3127, 0.3290),
        7: (0.310, 0.595, 0.155, 0.070, 0.630, 0.340, 0.3127, 0.3290),
        8: (0.243, 0.692, 0.145, 0.049, 0.681, 0.319, 0.310, 0.316),
        9: (0.170, 0.797, 0.131, 0.046, 0.708, 0.292, 0.3127, 0.3290),
        10: (0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.333333, 0.33333),
        11: (0.265, 0.690, 0.150, 0.060, 0.680, 0.320, 0.314, 0.351),
        12: (0.265, 0.690, 0.150, 0.060, 0.680, 0.320, 0.3127, 0.3290),
        22: (0.295, 0.605, 0.155, 0.077, 0.630, 0.340, 0.3127, 0.3290),
    ]
}
