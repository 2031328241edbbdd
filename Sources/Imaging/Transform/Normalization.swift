/// The conversion of 8-bit values to a network's input: `(value / divisor - mean) / deviation`.
///
/// It applies per channel, in the order R, G, B.
public struct Normalization: Hashable, Sendable {
    public var divisor: Float
    public var mean: [Float]
    public var standardDeviation: [Float]
    /// Whether the network expects the channels in the order B, G, R.
    public var swapsRedAndBlue: Bool

    public init(
        divisor: Float = 255, mean: [Float] = [0, 0, 0], standardDeviation: [Float] = [1, 1, 1],
        swapsRedAndBlue: Bool = false
    ) {
        precondition(mean.count == 3 && standardDeviation.count == 3, "three channels")
        self.divisor = divisor
        self.mean = mean
        self.standardDeviation = standardDeviation
        self.swapsRedAndBlue = swapsRedAndBlue
    }

    /// Scales RGB values to 0...1.
    public static let unit = Normalization()

    /// The channel of the image that the network's channel of that number is.
    func sourceChannel(_ channel: Int) -> Int { swapsRedAndBlue ? 2 - channel : channel }

    func value(_ byte: UInt8, channel: Int) -> Float {
        (Float(byte) / divisor - mean[channel]) / standardDeviation[channel]
    }
}
