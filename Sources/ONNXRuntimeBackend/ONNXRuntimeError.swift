public import InstanceSegmentation

/// An error in loading or calling ONNX Runtime.
public enum ONNXRuntimeError: Error, Sendable, CustomStringConvertible {
    /// The library was not found; `tried` lists each location with the loader's message.
    case libraryNotFound(tried: [String])
    /// The library named by the environment variable cannot be loaded.
    case libraryUnusable(path: String, reason: String)
    /// The library's version lacks functions that are required.
    case incompatibleVersion(path: String, found: String, expected: String)
    /// A C function returned an error status.
    case status(code: Int32, message: String, function: String)
    /// The runtime cannot read a model file, with the reason as text.
    case unreadableModel(path: String, reason: String)
    /// A tensor is missing, empty, or of a type or shape that is not supported.
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
        case .unreadableModel(let path, let reason):
            "The model \(path) cannot be read: \(reason)"
        case .unsupportedTensor(let reason):
            reason
        }
    }

    /// What opening a model threw, in words where the runtime's own are hard to read.
    static func opening(_ path: String, threw error: ONNXRuntimeError) -> ONNXRuntimeError {
        guard case .status(_, let message, _) = error else { return error }
        if let versions = message.firstMatch(of: /IR version: (\d+), max supported IR version: (\d+)/) {
            return .unreadableModel(
                path: path,
                reason:
                    "it is of ONNX IR version \(versions.1), and this ONNX Runtime reads versions up to \(versions.2). "
                    + "Export it with an older onnx package, or use a newer ONNX Runtime.")
        }
        if let opset = message.firstMatch(of: /Opset (\d+) is under development/),
            let official = message.firstMatch(of: /domain (\S+) is till opset (\d+)/)
        {
            return .unreadableModel(
                path: path,
                reason:
                    "it needs opset \(opset.1) of \(official.1), and this ONNX Runtime knows opsets up to \(official.2). "
                    + "Export it with opset=\(official.2) or lower, or use a newer ONNX Runtime.")
        }
        if message.contains("Protobuf parsing failed") {
            return .unreadableModel(path: path, reason: "the file is not a valid ONNX model, or it is truncated.")
        }
        return error
    }
}

extension ONNXRuntimeError: ModelLoadingError {
    public var modelFault: String? {
        switch self {
        case .libraryNotFound, .libraryUnusable, .incompatibleVersion: nil
        default: description
        }
    }
}
