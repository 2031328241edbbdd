public import Imaging

/// Settings from the files next to a model, written by an operator or by the tool that exported the model.
///
/// All of them are optional. They take precedence over the model's own metadata, which takes precedence over the
/// family's defaults.
public struct ModelSettings: Sendable {
    /// The method of fitting an image to the input's shape.
    public enum Resize: String, CaseIterable, Sendable {
        case letterbox
        case letterboxTopLeft
        case stretch
        case shortestEdge
        /// The center of the image at its own resolution, with a border if it is smaller than the input.
        case centerCrop
        case none
    }

    /// The rounding of a resized image's sides to whole pixels.
    public enum SideRounding: CaseIterable, Hashable, Sendable {
        /// To the nearest integer, halves to even, as Ultralytics does.
        case halfToEven
        /// To the nearest integer, halves up, as detectron2 and mmcv do.
        case halfUp
        /// Down, as Roboflow's engine does.
        case truncated
        /// The longer side down from its exact value, as transformers does.
        case transformers
    }

    /// The overlap measure of non-maximum suppression.
    public enum Suppression: String, CaseIterable, Sendable {
        /// Intersection over union.
        case iou
        /// The measure of Roboflow's service: intersection over the area of the weaker box, with one pixel added to
        /// every side length.
        case roboflow
        case none
    }

    /// The order of the color channels.
    public enum ColorOrder: String, CaseIterable, Sendable {
        case rgb
        case bgr
        case gray
    }

    /// The output slot of the background, which is not a class.
    public enum Background: Hashable, Sendable {
        case index(Int)
        case first
        case last
        /// There is no background slot.
        case none

        func slot(of count: Int) -> Int {
            switch self {
            case .index(let slot): slot
            case .first: 0
            case .last: count - 1
            case .none: -1
            }
        }
    }

    public var family: ModelFamily?
    /// Class names by output slot.
    public var names: [Int: String]?
    /// Whether slots without an entry in `names` are excluded from the classes.
    public var namesAreSparse: Bool?
    /// The names of the classes that are served; `nil` serves all.
    public var classes: Set<String>?
    public var background: Background?
    /// Size of the network's input, for graphs whose input size is dynamic.
    public var inputSize: ImageSize?
    public var resize: Resize?
    public var shortestEdge: Int?
    public var longestEdge: Int?
    /// The sides of the input are multiples of this number.
    public var divisor: Int?
    /// Whether images are resized to multiples of `divisor`, as transformers does, rather than padded to them.
    public var stretchesToDivisor: Bool?
    public var sideRounding: SideRounding?
    /// The byte that pads the image, before normalization.
    public var padValue: UInt8?
    /// Whether images are reduced with an antialiasing filter.
    public var antialias: Bool?
    public var color: ColorOrder?
    /// The divisor in the normalization `(byte / scale - mean) / std`.
    public var scale: Float?
    public var mean: [Float]?
    public var std: [Float]?
    /// The model's recommended confidence and overlap thresholds, which requests select with `confidence=default`.
    public var confidence: Float?
    public var iou: Double?
    public var suppression: Suppression?
    public var isClassAgnostic: Bool?
    public var maxDetections: Int?
    /// Minimum probability of a mask pixel, for networks that output probabilities.
    public var maskThreshold: Float?
    /// The names of the graph's outputs, by their role.
    public var outputs: [String: String]?
    /// Whether the graph already applies non-maximum suppression to the boxes.
    public var hasReadyRows: Bool?
    /// Steps applied before the image is resized.
    public var steps: [ImageStep]?
    /// The resize mode of a package of Roboflow's newer engine; its meaning depends on the family.
    public var package: RoboflowPackage?
    /// The names of classes that are not served.
    public var removedNames: Set<String>?
    /// Whether masks are computed exactly as in the family's own code even where a better method is known.
    public var followsReference: Bool?
    /// The names of the model's folder and file. For some exports they are the only sign of the family.
    public var givenName: String?

    public init() {}

    /// These settings, and the other's where these say nothing.
    func over(_ other: ModelSettings) -> ModelSettings {
        var merged = self
        func fill<Value>(_ path: WritableKeyPath<ModelSettings, Value?>) {
            if merged[keyPath: path] == nil { merged[keyPath: path] = other[keyPath: path] }
        }
        fill(\.family)
        if merged.names == nil { merged.namesAreSparse = other.namesAreSparse }
        fill(\.names)
        fill(\.classes)
        fill(\.background)
        fill(\.inputSize)
        fill(\.resize)
        fill(\.shortestEdge)
        fill(\.longestEdge)
        fill(\.divisor)
        fill(\.stretchesToDivisor)
        fill(\.sideRounding)
        fill(\.package)
        fill(\.removedNames)
        fill(\.padValue)
        fill(\.antialias)
        fill(\.color)
        fill(\.scale)
        fill(\.mean)
        fill(\.std)
        fill(\.confidence)
        fill(\.iou)
        fill(\.suppression)
        fill(\.isClassAgnostic)
        fill(\.maxDetections)
        fill(\.maskThreshold)
        fill(\.outputs)
        fill(\.hasReadyRows)
        fill(\.steps)
        fill(\.followsReference)
        fill(\.givenName)
        return merged
    }
}
