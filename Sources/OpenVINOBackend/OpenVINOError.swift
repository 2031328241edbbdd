public import InstanceSegmentation

/// An error in loading or calling OpenVINO.
public enum OpenVINOError: Error, Sendable, CustomStringConvertible {
    /// The library was not found; `tried` lists each location with the loader's message.
    case libraryNotFound(tried: [String])
    /// The library named by the environment variable cannot be loaded.
    case libraryUnusable(path: String, reason: String)
    /// A C function returned an error status.
    case status(code: Int32, message: String, function: String)
    /// A model file is unreadable, with the reason as text.
    case unreadableModel(path: String, reason: String)
    /// The model is quantized. ONNX Runtime runs such models faster and with the intended precision.
    case quantizedModel(path: String)
    /// A tensor is missing, empty, or of a type or shape that is not supported.
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
            "The model \(path) is quantized. OpenVINO runs such files no faster than others; leave --backend openvino out."
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
