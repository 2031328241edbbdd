import Imaging

/// The largest picture that is decoded. Checked against the file's header before memory is taken.
public struct ImageLimits: Sendable {
    /// Most pixels, width times height.
    public var pixels: Int
    /// Longest side.
    public var side: Int

    public init(pixels: Int = 100_000_000, side: Int = 65_535) {
        self.pixels = pixels
        self.side = side
    }

    /// Checks a size that a header claims; the numbers may be anything.
    func check(width: Int, height: Int) throws(ImageCodecError) -> ImageSize {
        guard width > 0, height > 0 else { throw .corrupt("its header says \(width)x\(height) pixels") }
        let (area, overflow) = width.multipliedReportingOverflow(by: height)
        guard !overflow, area <= pixels, width <= side, height <= side else {
            throw .tooLarge(width: width, height: height, limits: self)
        }
        return ImageSize(width: width, height: height)
    }
}
