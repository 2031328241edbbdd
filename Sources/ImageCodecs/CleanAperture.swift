/// The part of an image that is shown: a `clap` property (ISO/IEC 14496-12, 12.1.4).
///
/// Source: libheif 1.23, `libheif/box.cc` (`Box_clap`, `Fraction`), which rounds the left edge down and all others to the nearest.
struct CleanAperture {
    private let width: Fraction
    private let height: Fraction
    private let right: Fraction
    private let down: Fraction

    /// - Parameter numbers: the eight numbers of the box.
    /// Returns `nil` for numbers that are out of range.
    init?(_ numbers: [UInt32]) {
        guard numbers.count == 8 else { return nil }
        let most = UInt32(Int32.max)  // checked: positive
        for index in [0, 1, 2, 3, 5, 7] where numbers[index] > most { return nil }
        for index in [1, 3, 5, 7] where numbers[index] == 0 { return nil }
        func fraction(_ index: Int) -> Fraction {
            Fraction(Int(Int32(bitPattern: numbers[index])), Int(numbers[index + 1]))
        }
        (width, height, right, down) = (fraction(0), fraction(2), fraction(4), fraction(6))
    }

    /// The first and last column and row that are shown of an image; `nil` where there are none.
    func bounds(width imageWidth: Int, height imageHeight: Int) -> (left: Int, top: Int, right: Int, bottom: Int)? {
        guard (1...1 << 30).contains(imageWidth), (1...1 << 30).contains(imageHeight) else { return nil }
        let firstColumn = (right + Fraction(imageWidth - 1, 2) - (width - 1) / 2).roundedDown
        let firstRow = (down + Fraction(imageHeight - 1, 2) - (height - 1) / 2).rounded
        let lastColumn = (width - 1 + firstColumn).rounded
        let lastRow = (height - 1 + firstRow).rounded
        let bounds = (
            left: max(firstColumn, 0), top: max(firstRow, 0), right: min(lastColumn, imageWidth - 1),
            bottom: min(lastRow, imageHeight - 1)
        )
        return bounds.left <= bounds.right && bounds.top <= bounds.bottom ? bounds : nil
    }

    /// A fraction of two numbers of 32 bits, made coarser where they would grow beyond that.
    private struct Fraction {
        private let numerator: Int
        private let denominator: Int

        /// A fraction of the file or of an image's size, made coarser until its numbers have 16 bits or it is a whole number.
        /// - Parameter denominator: greater than 0.
        init(_ numerator: Int, _ denominator: Int) {
            var (n, d) = (numerator, denominator)
            while d > 1, d > Self.most || abs(n) > Self.most { (n, d) = (n / 2, d / 2) }
            (self.numerator, self.denominator) = (n, d)
        }

        /// The result of an operation, made coarser until its numbers have 32 bits.
        private init(result numerator: Int, _ denominator: Int) {
            var (n, d) = (numerator, denominator)
            while Int32(exactly: n) == nil || Int32(exactly: d) == nil { (n, d) = ((n + n.signum()) / 2, (d + 1) / 2) }
            (self.numerator, self.denominator) = (n, d)
        }

        private static let most = 1 << 16

        // No product of 32-bit numbers, and no sum of two such products, overflows.

        /// The sum of a fraction and another one times 1 or -1.
        private static func sum(_ a: Fraction, _ b: Fraction, sign: Int) -> Fraction {
            guard a.denominator != b.denominator else {
                return Fraction(result: a.numerator + sign * b.numerator, a.denominator)
            }
            return Fraction(
                result: a.numerator * b.denominator + sign * b.numerator * a.denominator, a.denominator * b.denominator)
        }

        static func + (a: Fraction, b: Fraction) -> Fraction { sum(a, b, sign: 1) }
        static func - (a: Fraction, b: Fraction) -> Fraction { sum(a, b, sign: -1) }

        static func + (a: Fraction, b: Int) -> Fraction {
            Fraction(result: a.numerator + b * a.denominator, a.denominator)
        }

        static func - (a: Fraction, b: Int) -> Fraction { a + -b }
        static func / (a: Fraction, b: Int) -> Fraction { Fraction(result: a.numerator, a.denominator * b) }

        /// Toward 0.
        var roundedDown: Int { numerator / denominator }
        var rounded: Int { (numerator + denominator / 2) / denominator }
    }
}
