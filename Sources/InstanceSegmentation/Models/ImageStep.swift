import Imaging

/// What is done to an image before it is resized, as the service that trained a model did it.
public enum ImageStep: Hashable, Sendable {
    /// A part of the image, as fractions of its sides.
    case crop(left: Double, top: Double, right: Double, bottom: Double)
    case grayscale
    /// On the gray values of the image, as Roboflow's older engine does.
    case contrast(Contrast)
    /// On the colors of the image, as Roboflow's newer engine does.
    case colorContrast(Contrast)

    /// A way to spread the values of an image.
    public enum Contrast: String, CaseIterable, Hashable, Sendable {
        /// The 2nd and the 98th percentile of all values become 0 and 255.
        case stretching = "Contrast Stretching"
        /// Gray values spread evenly.
        case histogram = "Histogram Equalization"
        /// The same in eight by eight parts, limited (CLAHE).
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
