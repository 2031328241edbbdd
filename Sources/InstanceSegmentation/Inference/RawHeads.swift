/// The tensors that a YOLO network's last convolutions give, where a runtime leaves out what exporters put behind them.
///
/// Behind them stands what turns distributions into distances and distances into boxes, for every anchor, although few of them are
/// objects. It takes a tenth of the time; a decoder does it for those few.
public struct RawHeads: Hashable, Sendable {
    /// The tensors of one level, by their names.
    public struct Level: Hashable, Sendable {
        /// `[1, 4 * bins, h, w]`: for each side the logits of its distances, in cells.
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

    /// Finest first, as anchors are counted.
    public let levels: [Level]
    /// `[1, coefficients, height / 4, width / 4]`.
    public let prototypes: String

    public init(levels: [Level], prototypes: String) {
        self.levels = levels
        self.prototypes = prototypes
    }

    /// All tensors, by their names.
    public var names: [String] { levels.flatMap { [$0.boxes, $0.classes, $0.coefficients] } + [prototypes] }
}
