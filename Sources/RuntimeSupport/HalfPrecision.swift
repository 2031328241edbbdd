/// The number of IEEE 754 half precision with those bits (Swift's `Float16` does not exist on every platform).
package func float(fromHalf bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0: return Float(sign: sign == 0 ? .plus : .minus, exponent: -24, significand: Float(fraction))
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}

/// The bits of a number in IEEE 754 half precision, rounded to the nearest, halves to even.
package func half(fromFloat value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(bits >> 16 & 0x8000)
    let exponent = Int(bits >> 23 & 0xFF) - 127
    let fraction = bits & 0x7F_FFFF
    switch exponent {
    case 128: return sign | 0x7C00 | (fraction == 0 ? 0 : 0x200)  // infinity, or no number
    case 16...: return sign | 0x7C00
    case -14...15:
        // A carry out of the fraction goes into the exponent, where it belongs.
        let kept = UInt32(exponent + 15) << 10 | fraction >> 13
        return sign | UInt16(kept + roundUp(fraction & 0x1FFF, half: 0x1000, isOdd: kept & 1 == 1))
    case -25 ... -15:  // subnormal
        let shift = UInt32(-exponent - 1)
        let whole = fraction | 0x80_0000
        let kept = whole >> shift
        return sign | UInt16(kept + roundUp(whole & (1 << shift - 1), half: 1 << (shift - 1), isOdd: kept & 1 == 1))
    default: return sign
    }
}

private func roundUp(_ rest: UInt32, half: UInt32, isOdd: Bool) -> UInt32 {
    rest > half || (rest == half && isOdd) ? 1 : 0
}
