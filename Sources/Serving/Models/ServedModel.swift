public import InstanceSegmentation

/// A model that is loaded and warm. It stays in memory for as long as a reference to it exists, even after its
/// eviction.
public struct ServedModel: Sendable {
    public let id: ModelID
    /// Number of the load that it comes from. Another generation of the same model may have different classes.
    public let generation: Int
    public let segmenter: Segmenter
    /// Whether JPEG images are decoded in full even if a reduced size would suffice.
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
