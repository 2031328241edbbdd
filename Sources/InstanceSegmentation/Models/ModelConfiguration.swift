import Imaging

/// What is known of a model when its decoder is made: what the metadata in its file says, and over it what the files beside it say.
struct ModelConfiguration: Sendable {
    /// What the network was trained for: `segment`, `detect`, ...
    var task: String?
    /// Class names by slot.
    var names: [Int: String] = [:]
    /// Whether slots without a name are none of the classes.
    var dropsUnnamedClasses = false
    /// Sides of an input of free shape must be multiples of it.
    var stride = 32
    /// The input size that the model was made for.
    var inputSize: ImageSize?
    /// Whether suppression is behind the boxes already; `nil` where the file does not say.
    var hasReadyRows: Bool?
    /// What the files beside the model say.
    let settings: ModelSettings

    /// Reads the keys that Ultralytics' exporter writes: values are Python literals.
    init(metadata: [String: String], settings: ModelSettings = ModelSettings()) throws {
        self.settings = settings
        task = metadata["task"]
        hasReadyRows = settings.hasReadyRows ?? Self.hasReadyRows(metadata)
        if let given = settings.names {
            names = given
            dropsUnnamedClasses = settings.namesAreSparse ?? false
        } else if let text = metadata["names"] {
            try readNames(text)
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

    private mutating func readNames(_ text: String) throws {
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
}
