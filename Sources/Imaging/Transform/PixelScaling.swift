/// How 8-bit values become a network's numbers: `(value / divisor - mean) / deviation`, by channel in the order R, G, B.
public struct PixelScaling: Hashable, Sendable {
    public var divisor: Float
    public var mean: [Float]
    public var deviation: [Float]
    /// Whether the network wants blue first.
    public var swapsRedAndBlue: Bool

    public init(
        divisor: Float = 255, mean: [Float] = [0, 0, 0], deviation: [Float] = [1, 1, 1], swapsRedAndBlue: Bool = false
    ) {
        precondition(mean.count == 3 && deviation.count == 3, "three channels")
        self.divisor = divisor
        self.mean = mean
        self.deviation = deviation
        self.swapsRedAndBlue = swapsRedAndBlue
    }

    /// RGB in 0...1.
    public static let unit = PixelScaling()

    /// The channel of the picture that the network's channel of that number is.
    func sourceChannel(_ channel: Int) -> Int { swapsRedAndBlue ? 2 - channel : channel }

    func value(_ byte: UInt8, channel: Int) -> Float {
        (Float(byte) / divisor - mean[channel]) / deviation[channel]
    }
}
