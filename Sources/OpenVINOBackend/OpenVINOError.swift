public import InstanceSegmentation

/// Why OpenVINO cannot be used or did not do what it was asked.
public enum OpenVINOError: Error, Sendable, CustomStringConvertible {
    /// No library at any of the places; each with what opening it said.
    case libraryNotFound(tried: [String])
    /// The library named by the environment cannot be opened.
    case libraryUnusable(path: String, reason: String)
    /// A C function failed.
    case status(code: Int32, message: String, function: String)
    /// A file that cannot be read, with the reason in words.
    case unreadableModel(path: String, reason: String)
    /// A file that is quantized, which ONNX Runtime runs faster and as it was meant.
    case quantizedModel(path: String)
    /// A tensor that cannot be passed on.
    case unsupportedTensor(String)

    public var description: String {
        switch self {
        case .libraryNotFound(let tried):
            "OpenVINO was not found. 'make setup BACKENDS=openvino' fetches it into lib/openvino/; or set "
                + "SILHOUETTE_OPENVINO_LIBRARY to the file libopenvino_c.so. Tried: \(tried.joined(separator: "; "))."
        case .libraryUnusable(let path, let reason):
            "The OpenVINO library \(path) cannot be used: \(reason)."
        case .status(let code, let message, let function):
            "OpenVINO: \(function) failed with code \(code): \(message)"
        case .unreadableModel(let path, let reason):
            "The model \(path) cannot be read: \(reason)"
        case .quantizedModel(let path):
            "The model \(path) is quantised. OpenVINO runs such files no faster than others; leave --backend openvino out."
        case .unsupportedTensor(let reason):
            reason
        }
    }
}

extension OpenVINOError: ModelLoadingError {
    public var modelFault: String? {
        switch self {
        case .libraryNotFound, .libraryUnusable: nil
        default: description
        }
    }
}
