import Imaging

/// The configuration that a model's decoder is created from: the metadata in the model file, overridden by the files
/// next to it.
struct ModelConfiguration: Sendable {
    /// What the network was trained for: `segment`, `detect`, ...
    var task: String?
    /// Class names by slot.
    var names: [Int: String] = [:]
    /// Whether slots without a name are excluded from the classes.
    var dropsUnnamedClasses = false
    /// The sides of an input with a dynamic shape must be multiples of this number.
    var stride = 32
    /// The input size that the model was made for.
    var inputSize: ImageSize?
    /// Whether the graph already applies suppression to the boxes; `nil` if the file does not say so.
    var hasReadyRows: Bool?
    /// The settings from the files next to the model.
    let settings: ModelSettings
    /// Remarks on the metadata for the operator, in sentences.
    private(set) var remarks: [String] = []

    /// Reads the keys that Ultralytics' exporter writes: values are Python literals.
    init(metadata: [String: String], settings: ModelSettings = ModelSettings()) throws {
        self.settings = try settings.checked("The settings of the model")
        task = metadata["task"]
        hasReadyRows = settings.hasReadyRows ?? Self.hasReadyRows(metadata)
        if let given = settings.names {
            names = given
            dropsUnnamedClasses = settings.namesAreSparse ?? false
        } else if let text = metadata["names"] {
            try readNames(text)
        }
        if let value = metadata["stride"].flatMap(PythonLiteral.init(parsing:)) {
            stride = try Self.integer(value, in: 1...ModelLimits.divisor, "stride") ?? stride
        }
        // D-FINE-seg writes the size of a free input as height and width.
        if let sides = metadata["img_size"]?.wholeMatch(of: /(\d{1,5})x(\d{1,5})/), let height = Int(sides.1),
            let width = Int(sides.2), (1...ModelLimits.inputSide).contains(height),
            (1...ModelLimits.inputSide).contains(width)
        {
            inputSize = ImageSize(width: width, height: height)
        }
        if let sides = metadata["imgsz"].flatMap(PythonLiteral.init(parsing:)) {
            let values = if case .list(let values) = sides { values } else { [sides, sides] }
            if values.count == 2,
                let height = try Self.integer(values[0], in: 1...ModelLimits.inputSide, "imgsz"),
                let width = try Self.integer(values[1], in: 1...ModelLimits.inputSide, "imgsz")
            {
                inputSize = ImageSize(width: width, height: height)
            }
        }
    }

    /// A number of the metadata as a whole number; `nil` where it is something else than a number.
    /// - Throws: `SegmentationError.invalidConfiguration` for a number that is not accepted.
    private static func integer(_ value: PythonLiteral, in range: ClosedRange<Int>, _ key: String) throws -> Int? {
        var found = value.integer.map(String.init)
        if found == nil, case .number(let number) = value { found = String(number) }
        guard let found else { return nil }
        guard let integer = value.integer, range.contains(integer) else {
            throw SegmentationError.invalidConfiguration(
                "The metadata '\(key)' has \(found); whole numbers from \(range.lowerBound) to \(range.upperBound) are "
                    + "accepted. Export the model again, or correct its metadata.")
        }
        return integer
    }

    private mutating func readNames(_ text: String) throws {
        var read = ClassNames(source: "The metadata 'names'")
        guard text.utf8.count <= ModelLimits.metadataLength else {
            throw SegmentationError.invalidConfiguration(
                "The metadata 'names' has \(text.utf8.count) bytes; at most \(ModelLimits.metadataLength) are accepted."
            )
        }
        switch PythonLiteral(parsing: text) {
        case .dictionary(let pairs):
            for case (let key, .string(let name)) in pairs {
                if let slot = try Self.slot(key, in: read) { try read.add(name, slot: slot) }
            }
        case .list(let values):
            for (slot, value) in values.enumerated() {
                if case .string(let name) = value { try read.add(name, slot: slot) }
            }
        // Other tools write keys of the same name; `None` is what an exporter writes that knows no names.
        case .some(PythonLiteral.none): break
        case nil where text.allSatisfy(\.isWhitespace): break
        default:
            remarks.append(
                "The metadata 'names' is neither a dictionary nor a list of names, and is not used: \(text.excerpt())")
        }
        names = read.bySlot
    }

    /// The slot that a key stands for; `nil` where it is not a number.
    private static func slot(_ key: PythonLiteral, in names: ClassNames) throws -> Int? {
        if case .string(let text) = key { return try names.slot(text) }
        if case .number(let number) = key, number >= Double(ModelLimits.slots) {
            throw names.outOfRange(key.integer.map(String.init) ?? String(number))
        }
        return key.integer
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
