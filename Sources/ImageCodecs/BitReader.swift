/// Reads numbers of any length in bits, most significant bit first. Past the end every bit is 0 and `isExhausted` is set.
struct BitReader {
    private let bytes: [UInt8]
    private var position = 0
    /// Whether more bits were read than there are.
    private(set) var isExhausted = false

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A number of up to 32 bits.
    mutating func bits(_ count: Int) -> Int {
        var value = 0
        for _ in 0..<count {
            var bit = 0
            if position < 8 * bytes.count {
                bit = Int(bytes[position / 8] >> UInt8(7 - position % 8)) & 1
            } else {
                isExhausted = true
            }
            value = value << 1 | bit
            position += 1
        }
        return value
    }

    mutating func skip(_ count: Int) {
        position += count
        if position > 8 * bytes.count { isExhausted = true }
    }

    /// An unsigned Exp-Golomb number, `ue(v)` of H.265; codes of more than 32 bits end the reading.
    mutating func expGolomb() -> Int {
        var zeros = 0
        while !isExhausted, bits(1) == 0 {
            zeros += 1
            guard zeros <= 31 else {
                isExhausted = true
                return 0
            }
        }
        return (1 << zeros) - 1 + bits(zeros)
    }
}
