import RuntimeSupport
import Testing

@Suite struct HalfPrecisionTests {
    @Test func halfPrecisionIsReadAsIEEE754Says() {
        let known: [(UInt16, Float)] = [
            (0, 0), (0x3C00, 1), (0xC000, -2), (0x7BFF, 65504), (0x0001, 5.960_464_5e-08), (0x0400, 6.103_515_6e-05),
            (0x3555, 0.333_251_95), (0x7C00, .infinity),
        ]
        for (bits, value) in known { #expect(float(fromHalf: bits) == value) }
        #expect(float(fromHalf: 0x7E00).isNaN)
    }
}
