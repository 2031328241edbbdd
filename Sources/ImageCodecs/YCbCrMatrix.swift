/// The numbers that turn one pixel of YCbCr into RGB, in 64ths, as libyuv has them for AV1 images.
///
/// Source: libyuv, `source/row_common.cc` (`YuvConstants` and `YuvPixel`), which Pillow's libavif uses; ITU-T H.273 for the numbers of
/// the matrices. Blue's share of Cb is at most 128, more than which the vector code for x86-64 cannot hold.
struct YCbCrMatrix {
    private let lumaGain: UInt32
    private let lumaOffset: Int32
    private let blueFromCb: Int32
    private let greenFromCb: Int32
    private let greenFromCr: Int32
    private let redFromCr: Int32
    /// Whether Y is 0...255 rather than 16...235.
    let isFullRange: Bool

    /// - Parameters:
    ///   - coefficients: the number of the matrix in H.273; 2 is unspecified.
    ///   - isFullRange: whether all of 0...255 is used.
    /// Returns `nil` for matrices of other kinds.
    init?(coefficients: UInt32, isFullRange: Bool) {
        self.isFullRange = isFullRange
        let chroma: (Int32, Int32, Int32, Int32)
        switch (coefficients, isFullRange) {
        case (1, true): chroma = (119, 12, 30, 101)
        case (1, false): chroma = (128, 14, 34, 115)
        case (2, true), (5, true), (6, true): chroma = (113, 22, 46, 90)
        case (2, false), (5, false), (6, false): chroma = (128, 25, 52, 102)
        case (9, true): chroma = (120, 11, 37, 94)
        case (9, false): chroma = (128, 12, 42, 107)
        default: return nil
        }
        (blueFromCb, greenFromCb, greenFromCr, redFromCr) = chroma
        lumaGain = isFullRange ? 16_320 : coefficients == 9 ? 19_003 : 18_997
        lumaOffset = isFullRange ? 32 : -1160
    }

    /// Writes a row of RGB.
    func convert(
        y: UnsafePointer<UInt8>, cb: UnsafePointer<UInt8>, cr: UnsafePointer<UInt8>, count: Int,
        to output: UnsafeMutablePointer<UInt8>
    ) {
        for x in 0..<count {
            let color = color(Int(y[x]) &* 0x0101, Int(cb[x]), Int(cr[x]))
            (output[3 * x], output[3 * x + 1], output[3 * x + 2]) = color
        }
    }

    /// One pixel.
    /// - Parameters:
    ///   - y: in 16 bits.
    ///   - cb: in 8 bits, like `cr`.
    @inline(__always)
    func color(_ y: Int, _ cb: Int, _ cr: Int) -> (UInt8, UInt8, UInt8) {
        let luma = Int32(truncatingIfNeeded: (UInt32(truncatingIfNeeded: y) &* lumaGain) &>> 16) &+ lumaOffset
        let (u, v) = (Int32(truncatingIfNeeded: cb) &- 128, Int32(truncatingIfNeeded: cr) &- 128)
        return (
            UInt8(clamping: (luma &+ v &* redFromCr) &>> 6),
            UInt8(clamping: (luma &- u &* greenFromCb &- v &* greenFromCr) &>> 6),
            UInt8(clamping: (luma &+ u &* blueFromCb) &>> 6)
        )
    }

    /// A sample of gray spread over 0...255, as libavif's own code does it.
    func gray(_ value: Int, bits: Int) -> UInt8 {
        let shift = bits - 8
        let (black, range) = isFullRange ? (0, (1 << bits) - 1) : (16 << shift, 219 << shift)
        let share = min(max(Float(value - black) / Float(range), 0), 1)
        return UInt8(clamping: Int((0.5 + share * 255).rounded(.down)))  // checked: 0...255
    }
}

/// Chroma planes of half the size, doubled by the triangle filter: three quarters of the nearest sample and a quarter of the next.
///
/// Source: libyuv, `source/scale_common.cc` (`ScaleRowUp2_Linear_C`, `ScaleRowUp2_Bilinear_C`).
enum ChromaUpsampling {
    /// Doubles a row of two planes' rows; `near` is the row that lies nearer to the result.
    /// - Parameters:
    ///   - count: number of samples to write.
    ///   - sourceCount: number of samples in each row.
    static func row(
        near: UnsafePointer<UInt8>, far: UnsafePointer<UInt8>, sourceCount: Int, count: Int,
        to output: UnsafeMutablePointer<UInt8>
    ) {
        for x in 0..<count {
            let (a, b) = neighbors(x, of: count, count: sourceCount)
            let sum = 9 * Int(near[a]) + 3 * Int(near[b]) + 3 * Int(far[a]) + Int(far[b])
            output[x] = UInt8(truncatingIfNeeded: (sum + 8) >> 4)
        }
    }

    /// The sample nearest to a pixel, and the next one.
    /// - Parameters:
    ///   - total: number of pixels.
    ///   - count: number of samples.
    @inline(__always)
    static func neighbors(_ x: Int, of total: Int, count: Int) -> (a: Int, b: Int) {
        let a = min(x / 2, count - 1)
        // The last pixel has no neighbor, also where its sample has one.
        return (a, x == total - 1 ? a : min(max(x % 2 == 0 ? a - 1 : a + 1, 0), count - 1))
    }
}
