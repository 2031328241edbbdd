/// One object found in an image.
public struct Detection: Sendable {
    /// Zero-based index into the model's class names.
    public var classID: Int
    public var className: String
    /// Confidence, 0...1.
    public var confidence: Float
    /// Bounding box in image pixels, clipped to the image and not rounded.
    public var box: BoundingBox
    /// The object's pixels; never empty. The mask has the size of the image, or of a coarser grid over it if
    /// `PredictionOptions.maskResolution` asks for one.
    public var mask: Mask

    public init(classID: Int, className: String, confidence: Float, box: BoundingBox, mask: Mask) {
        self.classID = classID
        self.className = className
        self.confidence = confidence
        self.box = box
        self.mask = mask
    }
}
