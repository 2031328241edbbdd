import Imaging

/// The maximum size of images that are decoded, checked against the file's header before memory is allocated.
public struct ImageLimits: Sendable {
    /// Maximum number of pixels, width times height.
    public var pixels: Int
    /// Maximum length of the longer side, in pixels.
    public var side: Int

    /// Creates limits. The defaults admit the photographs of every camera.
    public init(pixels: Int = ImageLimits.defaultPixels, side: Int = ImageLimits.defaultSide) {
        self.pixels = pixels
        self.side = side
    }

    /// 1,048,576 pixels (2 to the 20th): scans of rolls and strips are longer than the 65,535 pixels of most formats.
    public static let defaultSide = 1 << 20

    /// 268 megapixels (2 to the 28th): 768 MiB of RGB.
    public static let defaultPixels = 1 << 28

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
