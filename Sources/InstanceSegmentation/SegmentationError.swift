/// An error in loading a model or decoding its outputs.
public enum SegmentationError: Error, Sendable, CustomStringConvertible {
    /// The file does not belong to a family that can be decoded.
    case unrecognizedModel(found: String, expected: String)
    /// The file, its metadata or its folder is incomplete or inconsistent.
    case invalidConfiguration(String)
    /// The session did not return an output that the family requires.
    case missingOutput(String, available: [String])
    /// A tensor does not have the shape that the family requires.
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
