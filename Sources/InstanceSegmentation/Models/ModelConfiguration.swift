import Imaging

/// What the metadata in a model file says, as far as decoders need it.
struct ModelConfiguration: Sendable {
    /// What the network was trained for: `segment`, `detect`, ...
    var task: String?
    /// Class names by index.
    var names: [Int: String] = [:]
    /// Sides of an input of free shape must be multiples of it.
    var stride = 32
    /// The input size that the model was made for.
    var inputSize: ImageSize?
    /// Whether suppression is behind the boxes already; `nil` where the file does not say.
    var hasReadyRows: Bool?

    /// Reads the keys that Ultralytics' exporter writes: values are Python literals.
    init(metadata: [String: String]) throws {
        task = metadata["task"]
        hasReadyRows = Self.hasReadyRows(metadata)
        if let text = metadata["names"] {
            switch PythonLiteral(parsing: text) {
            case .dictionary(let pairs):
                for (key, value) in pairs {
                    guard case .string(let name) = value, let index = key.integer else { continue }
                    names[index] = name
                }
            case .list(let values):
                for (index, value) in values.enumerated() {
                    if case .string(let name) = value { names[index] = name }
                }
            default:
                throw SegmentationError.invalidConfiguration(
                    "The metadata 'names' is neither a dictionary nor a list of names: \(text.prefix(80))")
            }
        }
        if let value = metadata["stride"].flatMap(PythonLiteral.init(parsing:))?.integer, value > 0, value <= 1024 {
            stride = value
        }
        if let sides = metadata["imgsz"].flatMap(PythonLiteral.init(parsing:)) {
            let numbers =
                switch sides {
                case .list(let values): values.compactMap(\.integer)
                default: [sides.integer, sides.integer].compactMap(\.self)
                }
            if numbers.count == 2, numbers.allSatisfy({ $0 > 0 && $0 <= 65_536 }) {
                inputSize = ImageSize(width: numbers[1], height: numbers[0])
            }
        }
    }

    /// An end-to-end network says so; an export with suppression in its graph has it among its arguments.
    private static func hasReadyRows(_ metadata: [String: String]) -> Bool? {
        let endToEnd = metadata["end2end"].flatMap(PythonLiteral.init(parsing:))
        if endToEnd == .boolean(true) { return true }
        if case .dictionary(let arguments)? = metadata["args"].flatMap(PythonLiteral.init(parsing:)),
            let nms = arguments.first(where: { $0.0 == .string("nms") })
        {
            return nms.1 == .boolean(true)
        }
        return endToEnd == nil ? nil : false
    }

    /// Names for `count` classes; those without one are named by their number.
    func classNames(count: Int) -> [String] {
        (0..<count).map { names[$0] ?? String($0) }
    }
}
