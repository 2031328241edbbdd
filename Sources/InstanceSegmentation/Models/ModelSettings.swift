public import Imaging

/// What an operator, or the tool that made a model, writes into files beside it. Everything is optional; what is given goes before
/// what the model's own metadata says, and that before the family's defaults.
public struct ModelSettings: Sendable {
    /// How an image is brought to the shape of the input.
    public enum Resize: String, CaseIterable, Sendable {
        case letterbox
        case letterboxTopLeft
        case stretch
        case shortestEdge
        /// The middle of the image in its own pixels, with a border where it is smaller than the input.
        case centerCrop
        case none
    }

    /// How the sides of a resized image become whole numbers.
    public enum SideRounding: CaseIterable, Hashable, Sendable {
        /// To the nearest, halves to the even one, as Ultralytics does.
        case halfToEven
        /// To the nearest, halves up, as detectron2 and mmcv do.
        case halfUp
        /// Downward, as Roboflow's engine does.
        case truncated
        /// The longer side downward from the exact ratio, as transformers does.
        case transformers
    }

    /// What suppresses overlapping boxes.
    public enum Suppression: String, CaseIterable, Sendable {
        /// Intersection over union.
        case iou
        /// The measure of Roboflow's service: intersection over the weaker box, sides with one pixel more.
        case roboflow
        case none
    }

    /// The order of the channels.
    public enum ColorOrder: String, CaseIterable, Sendable {
        case rgb
        case bgr
        case gray
    }

    /// A slot that is no class.
    public enum Background: Hashable, Sendable {
        case index(Int)
        case first
        case last
        /// There is none.
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
    /// Names by slot.
    public var names: [Int: String]?
    /// Whether slots that `names` leaves out are none of the classes.
    public var namesAreSparse: Bool?
    /// Only these classes are served.
    public var classes: Set<String>?
    public var background: Background?
    /// Size of an input whose size the graph leaves free.
    public var inputSize: ImageSize?
    public var resize: Resize?
    public var shortestEdge: Int?
    public var longestEdge: Int?
    /// Sides of the input are multiples of it.
    public var divisor: Int?
    /// Whether images are resized to multiples of `divisor`, as transformers does, rather than padded to them.
    public var stretchesToDivisor: Bool?
    public var sideRounding: SideRounding?
    /// The byte around the image, before normalization.
    public var padValue: UInt8?
    /// Whether images are shrunk by averaging.
    public var antialias: Bool?
    public var color: ColorOrder?
    /// A byte becomes `(byte / scale - mean) / std`.
    public var scale: Float?
    public var mean: [Float]?
    public var std: [Float]?
    /// The model's own least confidence and most overlap, for `confidence=default`.
    public var confidence: Float?
    public var iou: Double?
    public var suppression: Suppression?
    public var isClassAgnostic: Bool?
    public var maxDetections: Int?
    /// Least probability of a pixel, where the network gives probabilities.
    public var maskThreshold: Float?
    /// The graph's names of outputs, by what they are.
    public var outputs: [String: String]?
    /// Whether suppression is behind the boxes already.
    public var hasReadyRows: Bool?
    /// Steps before the image is resized.
    public var steps: [ImageStep]?
    /// How a package of Roboflow's newer engine resizes, which depends on the family.
    public var package: RoboflowPackage?
    /// Names that are not served.
    public var removedNames: Set<String>?
    /// Whether masks are made exactly as the family's own code does where a better way is known.
    public var followsReference: Bool?
    /// What the model's folder and file are called: some exports say nowhere else what they are.
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
