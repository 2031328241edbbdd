/// One object found in an image.
public struct Detection: Sendable {
    /// 0-based index into the model's class names.
    public var classID: Int
    public var className: String
    /// 0...1.
    public var confidence: Float
    /// In image pixels, clipped to the image, not rounded.
    public var box: BoundingBox
    /// The object's pixels; never empty. Its image is the image itself, or a smaller grid over it where
    /// `PredictionOptions.maskResolution` asked for one.
    public var mask: Mask

    public init(classID: Int, className: String, confidence: Float, box: BoundingBox, mask: Mask) {
        self.classID = classID
        self.className = className
        self.confidence = confidence
        self.box = box
        self.mask = mask
    }
}
