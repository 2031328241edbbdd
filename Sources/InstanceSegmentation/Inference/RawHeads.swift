/// The raw output tensors of a YOLO network's heads, for runtimes that prune the decoding operations after them.
///
/// An exported YOLO graph converts distributions to distances and distances to boxes for every anchor, although few
/// pass the threshold. The backend prunes that part, about 10% of inference time; the decoder performs it for the
/// anchors that remain.
public struct RawHeads: Hashable, Sendable {
    /// The tensor names of one level.
    public struct Level: Hashable, Sendable {
        /// `[1, 4 * bins, h, w]`: logits of the distances to the four sides, in cells.
        public let boxes: String
        /// `[1, classes, h, w]`: logits.
        public let classes: String
        /// `[1, coefficients, h, w]`.
        public let coefficients: String

        public init(boxes: String, classes: String, coefficients: String) {
            self.boxes = boxes
            self.classes = classes
            self.coefficients = coefficients
        }
    }

    /// The levels from the finest to the coarsest, in the order of the anchors.
    public let levels: [Level]
    /// `[1, coefficients, height / 4, width / 4]`.
    public let prototypes: String

    public init(levels: [Level], prototypes: String) {
        self.levels = levels
        self.prototypes = prototypes
    }

    /// The names of all tensors.
    public var names: [String] { levels.flatMap { [$0.boxes, $0.classes, $0.coefficients] } + [prototypes] }
}
