extension Double {
    /// Converts a ratio as clients of the hosted API write it: a percentage from 1 up, a fraction below 1.
    ///
    /// `40` and `0.4` both mean 0.4; `1` means 0.01. The result is clamped to 0...1; NaN is 0.
    public init(percentOrFraction value: Double) {
        self = min(max(value >= 1 ? value / 100 : value, 0), 1)
        if isNaN { self = 0 }
    }
}
