/// Why ONNX Runtime cannot be used or did not do what it was asked.
public enum ONNXRuntimeError: Error, Sendable, CustomStringConvertible {
    /// No library at any of the places; each with what opening it said.
    case libraryNotFound(tried: [String])
    /// The library named by the environment cannot be opened.
    case libraryUnusable(path: String, reason: String)
    /// The library is not of a version that has what is called.
    case incompatibleVersion(path: String, found: String, expected: String)
    /// A C function failed.
    case status(code: Int32, message: String, function: String)
    /// A tensor that cannot be passed on.
    case unsupportedTensor(String)

    public var description: String {
        switch self {
        case .libraryNotFound(let tried):
            "ONNX Runtime was not found. 'make setup' fetches it into lib/; or set SILHOUETTE_ORT_LIBRARY to the file "
                + "libonnxruntime.so. Tried: \(tried.joined(separator: "; "))."
        case .libraryUnusable(let path, let reason):
            "The ONNX Runtime library \(path) cannot be used: \(reason)."
        case .incompatibleVersion(let path, let found, let expected):
            "The ONNX Runtime library \(path) is version \(found); expected \(expected)."
        case .status(let code, let message, let function):
            "ONNX Runtime: \(function) failed with code \(code): \(message)"
        case .unsupportedTensor(let reason):
            reason
        }
    }
}
