/// What LibreYOLO's exporter says of itself in a file. Its families share names of outputs, and its predictor prepares images as the
/// version that made the file does.
struct LibreYOLOExport: Sendable {
    /// Its name of the family: `rfdetr`, `dfine`, `ec`, ...
    let family: String?
    private let size: String?
    private let version: [Int]

    /// The minimum confidence in its predictor, for every family.
    static let confidence: Float = 0.25
    /// The maximum overlap in its predictor, for families whose boxes are suppressed.
    static let overlap = 0.45
    /// The most objects of its predictor, for any number of queries.
    static let mostObjects = 300

    /// - Returns: `nil` where another tool made the file.
    init?(_ model: ModelDescription) {
        guard let text = model.metadata["libreyolo_version"] else { return nil }
        family = model.metadata["model_family"]?.lowercased()
        size = model.metadata["size"]?.lowercased()
        version = text.split(separator: ".").prefix(2).map { Int($0) ?? 0 }
    }

    /// The most objects of its predictor for RF-DETR-Seg.
    var mostObjectsOfRFDETR: Int {
        switch size {
        case "n", "s": 100
        case "m", "l": 200
        default: Self.mostObjects
        }
    }

    /// Whether the version is earlier than another; one that does not say itself (0.0) counts as the newest.
    func isBefore(_ major: Int, _ minor: Int) -> Bool {
        guard version.count == 2, version != [0, 0] else { return false }
        return (version[0], version[1]) < (major, minor)
    }
}
