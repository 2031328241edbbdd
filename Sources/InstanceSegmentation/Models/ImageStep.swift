import Imaging

/// A step applied to an image before it is resized, as the service that trained the model applied it.
public enum ImageStep: Hashable, Sendable {
    /// Crops the image to a part given as fractions of its sides.
    case crop(left: Double, top: Double, right: Double, bottom: Double)
    case grayscale
    /// Changes the contrast on the image's gray values, as Roboflow's older engine does.
    case contrast(Contrast)
    /// Changes the contrast on the image's colors, as Roboflow's newer engine does.
    case colorContrast(Contrast)

    /// A method of contrast adjustment.
    public enum Contrast: String, CaseIterable, Hashable, Sendable {
        /// Contrast stretching: the 2nd and the 98th percentile of all values become 0 and 255.
        case stretching = "Contrast Stretching"
        /// Histogram equalization.
        case histogram = "Histogram Equalization"
        /// Adaptive histogram equalization of 8 x 8 tiles with limited contrast (CLAHE).
        case adaptive = "Adaptive Equalization"
    }
}

extension [ImageStep] {
    /// The part of an image that a crop leaves: where it begins, and its size. Percentages are cut to whole pixels.
    func kept(of size: ImageSize) -> (x: Int, y: Int, size: ImageSize) {
        for case .crop(let left, let top, let right, let bottom) in self {
            let x1 = Swift.min(Int(left * Double(size.width)), size.width - 1)
            let y1 = Swift.min(Int(top * Double(size.height)), size.height - 1)
            let x2 = Int(right * Double(size.width)), y2 = Int(bottom * Double(size.height))
            return (x1, y1, ImageSize(width: Swift.max(x2 - x1, 1), height: Swift.max(y2 - y1, 1)))
        }
        return (0, 0, size)
    }
}
