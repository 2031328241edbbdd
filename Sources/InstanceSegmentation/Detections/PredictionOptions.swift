/// What a caller asks of a prediction.
public struct PredictionOptions: Hashable, Sendable {
    /// Least confidence of an answer, 0...1. A detection at the threshold is kept.
    public var confidence: Float
    /// Most intersection over union, 0...1, of two boxes of the same class before the weaker is dropped.
    public var overlap: Double
    /// Whether boxes of different classes suppress one another too.
    public var isClassAgnostic: Bool
    /// Most detections of an answer; the best are kept.
    public var maxDetections: Int
    /// Only these classes, by name; all where it is `nil`. Applied last, so that it does not make room for others.
    public var classes: Set<String>?

    public init(
        confidence: Float = 0.4, overlap: Double = 0.3, isClassAgnostic: Bool = false, maxDetections: Int = 300,
        classes: Set<String>? = nil
    ) {
        self.confidence = confidence
        self.overlap = overlap
        self.isClassAgnostic = isClassAgnostic
        self.maxDetections = maxDetections
        self.classes = classes
    }
}
