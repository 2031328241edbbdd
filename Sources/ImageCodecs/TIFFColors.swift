import Foundation

/// Turns colors of TIFF files that are not RGB into RGB.
enum TIFFColors {
    /// A color of Rec. 601 in full range.
    ///
    /// Source: Pillow, `src/libImaging/ConvertYCbCr.c`, whose tables hold these products in 64ths.
    static func rgb(y: UInt8, cb: UInt8, cr: UInt8) -> (UInt8, UInt8, UInt8) {
        let (y, u, v) = (Int(y), Int(cb), Int(cr))
        return (
            UInt8(clamping: y + redFromCr[v] >> 6), UInt8(clamping: y + (greenFromCb[u] + greenFromCr[v]) >> 6),
            UInt8(clamping: y + blueFromCb[u] >> 6)
        )
    }

    private static func table(_ gain: Double) -> [Int] {
        (-128..<128).map { Int((gain * 64 * Double($0) + 0.5).rounded(.towardZero)) }  // checked: within 2 * 64 * 128
    }

    private static let redFromCr = table(1.402)
    private static let greenFromCb = table(-0.34414)
    private static let greenFromCr = table(-0.71414)
    private static let blueFromCb = table(1.772)

    /// A color of CIE L*a*b* under the light D50 as sRGB, whose white is adapted by Bradford's matrix, as ICC profiles do it.
    ///
    /// Sources: CIE 15; IEC 61966-2-1.
    static func rgb(l: UInt8, a: UInt8, b: UInt8) -> (UInt8, UInt8, UInt8) {
        let height = (Double(l) * 100 / 255 + 16) / 116
        let x = 0.9642 * share(height + Double(Int8(bitPattern: a)) / 500)
        let y = share(height)
        let z = 0.8249 * share(height - Double(Int8(bitPattern: b)) / 200)
        return (
            byte(3.1338561 * x - 1.6168667 * y - 0.4906146 * z), byte(-0.9787684 * x + 1.9161415 * y + 0.0334540 * z),
            byte(0.0719453 * x - 0.2289914 * y + 1.4052427 * z)
        )
    }

    private static func share(_ t: Double) -> Double {
        t > 24.0 / 116 ? t * t * t : 108.0 / 841 * (t - 16.0 / 116)
    }

    /// Light from 0 to 1 in sRGB's numbers, by a table: a power for each color would take the most time of all.
    static func byte(_ light: Double) -> UInt8 {
        let light = min(max(light, 0), 1)
        let guess = guesses[Int(light * Double(guesses.count - 1))]  // checked: 0...4096
        var byte = guess
        while byte < 255, light >= leastLight[Int(byte) + 1] { byte += 1 }
        return byte
    }

    /// The number of each 4096th of light: that of the light itself, or at most a few less than those up to the next.
    private static let guesses = (0...4096).map { curve(Double($0) / 4096) }

    /// The least light that each number stands for.
    private static let leastLight = (UInt64(0)...255).map { byte -> Double in
        // Positive numbers are in the order of their bits.
        var (low, high) = (UInt64(0), Double(1).bitPattern)
        while low < high {
            let middle = (low + high) / 2
            if curve(Double(bitPattern: middle)) >= byte { high = middle } else { low = middle + 1 }
        }
        return Double(bitPattern: low)
    }

    /// The curve of sRGB, rounded to a byte; it never falls.
    static func curve(_ light: Double) -> UInt8 {
        let value = light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055
        return UInt8(value * 255 + 0.5)  // checked: within 0.5...255.5
    }
}
