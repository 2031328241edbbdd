/// Why a model cannot be used, or its answer not be read.
public enum SegmentationError: Error, Sendable, CustomStringConvertible {
    /// The file is none of the families that can be decoded.
    case unrecognizedModel(found: String, expected: String)
    /// The file, its metadata or the folder contradict themselves or lack something.
    case invalidConfiguration(String)
    /// The session did not give an output that the family needs.
    case missingOutput(String, available: [String])
    /// A tensor has another shape than the family says.
    case unexpectedShape(tensor: String, found: [Int], expected: String)

    public var description: String {
        switch self {
        case .unrecognizedModel(let found, let expected):
            "This is not a model that can be decoded. Found: \(found). Looked for: \(expected)."
        case .invalidConfiguration(let reason):
            reason
        case .missingOutput(let name, let available):
            "The model gave no output '\(name)'; it gave \(available.sorted().joined(separator: ", "))."
        case .unexpectedShape(let tensor, let found, let expected):
            "Tensor '\(tensor)' has shape \(found); expected \(expected)."
        }
    }
}
