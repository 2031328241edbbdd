import Imaging

/// What a caller asks of a prediction.
public struct PredictionOptions: Hashable, Sendable {
    /// Least confidence of an answer, 0...1. A detection at the threshold is kept.
    public var confidenceThreshold: Float
    /// Most intersection over union, 0...1, of two boxes of the same class before the weaker is dropped.
    public var iouThreshold: Double
    /// Whether boxes of different classes suppress one another too.
    public var isClassAgnostic: Bool
    /// Most detections of an answer; the best are kept.
    public var maxDetections: Int
    /// Only these classes, by name; all where it is `nil`. Applied last, so that it does not make room for others.
    public var classes: Set<String>?
    /// How finely masks are decided.
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

/// The grid on which masks are decided and outlines are traced.
public enum MaskResolution: Hashable, Sendable {
    /// The image's pixels.
    case image
    /// Between the cells of the network's own masks (0) and the image's pixels (1). Coarser outlines for less work; points are
    /// scaled to the image.
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
