public import InstanceSegmentation

/// A model that is loaded and warm. It stays in memory for as long as a reference to it exists, whatever the pool does.
public struct ServedModel: Sendable {
    public let id: ModelID
    /// Number of the load that it comes from; another generation of the same model may have other classes.
    public let generation: Int
    public let segmenter: Segmenter
    /// Whether JPEG images are decoded in full even where less would serve.
    public let decodesInFull: Bool

    /// Creates a served model.
    public init(id: ModelID, generation: Int = 0, segmenter: Segmenter, decodesInFull: Bool = false) {
        self.id = id
        self.generation = generation
        self.segmenter = segmenter
        self.decodesInFull = decodesInFull
    }

    public var classNames: [String] { segmenter.model.classNames }
    public var family: ModelFamily { segmenter.model.family }
}
