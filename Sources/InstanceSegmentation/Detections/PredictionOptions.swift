import Imaging

/// Thresholds and limits of a prediction.
public struct PredictionOptions: Hashable, Sendable {
    /// Minimum confidence, 0...1. A detection at the threshold is kept.
    public var confidenceThreshold: Float
    /// Maximum overlap, as intersection over union (0...1), of two boxes of the same class. Beyond it the one with the
    /// lower confidence is suppressed.
    public var iouThreshold: Double
    /// Whether boxes of different classes suppress one another, too.
    public var isClassAgnostic: Bool
    /// Maximum number of detections; the most confident are kept.
    public var maxDetections: Int
    /// The names of the classes to return; `nil` returns all. This filter is applied last, so excluded detections still
    /// count towards `maxDetections`.
    public var classes: Set<String>?
    /// The resolution at which masks are computed.
    public var maskResolution: MaskResolution

    public init(
        confidenceThreshold: Float = 0.4, iouThreshold: Double = 0.3, isClassAgnostic: Bool = false,
        maxDetections: Int = 300,
        classes: Set<String>? = nil, maskResolution: MaskResolution = .image
    ) {
        self.confidenceThreshold = confidenceThreshold
        self.iouThreshold = iouThreshold
        self.isClassAgnostic = isClassAgnostic
        self.maxDetections = maxDetections
        self.classes = classes
        self.maskResolution = maskResolution
    }
}

/// The grid on which masks are computed and outlines are traced.
public enum MaskResolution: Hashable, Sendable {
    /// The image's pixels.
    case image
    /// A grid between the network's own masks (0) and the image's pixels (1). Outlines are coarser and cost less; their
    /// points are scaled to the image.
    case coarse(Double)

    /// The grid for an image whose mask has so many cells on its side.
    func grid(imageSize: ImageSize, cells: ImageSize) -> ImageSize {
        guard case .coarse(let share) = self else { return imageSize }
        func side(_ cells: Int, _ pixels: Int) -> Int {
            max(Int(Double(cells) * (1 - share) + Double(pixels) * share), 1)
        }
        return ImageSize(width: side(cells.width, imageSize.width), height: side(cells.height, imageSize.height))
    }
}
