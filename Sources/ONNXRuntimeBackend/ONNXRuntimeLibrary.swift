internal import CONNXRuntime
import Foundation
import InstanceSegmentation
import Logging
import RuntimeSupport
import Synchronization

/// A loaded library, its API table and its one environment. All backends of the process share it, and it is never
/// unloaded.
///
/// `@unchecked Sendable`: the table is constant, and ONNX Runtime's environment may be used by all threads at once.
final class ONNXRuntimeLibrary: @unchecked Sendable {
    let path: String
    let version: String
    private let api: UnsafePointer<OrtApi>
    private let environment: OpaquePointer
    private let allocator: OpaquePointer
    /// Describes the memory of tensors that are passed in.
    let memoryInfo: OpaquePointer

    /// The release that has every entry of our table, and its number for `GetApi`.
    private static let least = (major: 1, minor: 12)

    /// The libraries that are open, by the address of their entry point, which is one for all paths of a file.
    private static let opened = Mutex<[UInt: ONNXRuntimeLibrary]>([:])

    /// Finds the library, and opens it unless it is open.
    ///
    /// The first location that has one is used: `SILHOUETTE_ORT_LIBRARY` (if it is set but unusable, no other is
    /// tried); the folder `lib` next to the program, above it, and in the current folder; the system.
    static func open(logger: Logger) throws -> ONNXRuntimeLibrary {
        if let path = ProcessInfo.processInfo.environment["SILHOUETTE_ORT_LIBRARY"], !path.isEmpty {
            return try open(path: path, logger: logger)
        }
        var tried: [String] = []
        for path in candidates() {
            do throws(ONNXRuntimeError) {
                return try open(path: path, logger: logger)
            } catch .libraryUnusable(let path, let reason) {
                tried.append("\(path) (\(reason))")
            }
        }
        throw ONNXRuntimeError.libraryNotFound(tried: tried)
    }

    private static func candidates() -> [String] {
        RuntimeLibraries.candidates { $0.hasPrefix("libonnxruntime.so") || $0 == "libonnxruntime.dylib" }
            + ["libonnxruntime.so.1"]
    }

    private static func open(path: String, logger: Logger) throws(ONNXRuntimeError) -> ONNXRuntimeLibrary {
        try opened.withLock { (opened) throws(ONNXRuntimeError) in
            var message: UnsafePointer<CChar>?
            guard let base = silhouette_ort_open(path, &message) else {
                throw .libraryUnusable(path: path, reason: message.map { String(cString: $0) } ?? "it cannot be opened")
            }
            let address = UInt(bitPattern: base)
            if let library = opened[address] { return library }
            let library = try ONNXRuntimeLibrary(path: path, base: base, logger: logger)
            opened[address] = library
            return library
        }
    }

    private init(path: String, base: UnsafePointer<OrtApiBase>, logger: Logger) throws(ONNXRuntimeError) {
        self.path = path
        version = String(cString: base.pointee.GetVersionString())
        // Looked at before GetApi is asked, which prints to standard error when it refuses.
        let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
        guard numbers.count == 2, numbers[0] == Self.least.major, numbers[1] >= Self.least.minor,
            let api = base.pointee.GetApi(UInt32(Self.least.minor))
        else {
            throw .incompatibleVersion(
                path: path, found: version, expected: "\(Self.least.major).\(Self.least.minor) or a newer 1.x")
        }
        self.api = api

        let log = Unmanaged.passRetained(LogReceiver(logger: logger))  // lives as long as the environment: for ever
        environment = try ONNXRuntimeLibrary.make("CreateEnvWithCustomLogger", api) { api, out in
            api.pointee.CreateEnvWithCustomLogger(receiveLogLine, log.toOpaque(), 2, "silhouette", &out)
        }
        try ONNXRuntimeLibrary.check(api.pointee.DisableTelemetryEvents(environment), "DisableTelemetryEvents", api)
        allocator = try ONNXRuntimeLibrary.make("GetAllocatorWithDefaultOptions", api) { api, out in
            api.pointee.GetAllocatorWithDefaultOptions(&out)
        }
        memoryInfo = try ONNXRuntimeLibrary.make("CreateCpuMemoryInfo", api) { api, out in
            api.pointee.CreateCpuMemoryInfo(1, 0, &out)  // arena allocator, default memory
        }
        try ONNXRuntimeLibrary.makePool(api, environment: environment, info: memoryInfo)
    }

    // MARK: Calls

    /// Calls a function of the table; a status becomes an error with the function's name.
    func call(
        _ function: String, _ body: (UnsafePointer<OrtApi>) -> OpaquePointer?
    ) throws(ONNXRuntimeError) {
        try ONNXRuntimeLibrary.check(body(api), function, api)
    }

    /// Calls a function that makes an object.
    func make(
        _ function: String, _ body: (UnsafePointer<OrtApi>, inout OpaquePointer?) -> OpaquePointer?
    ) throws(ONNXRuntimeError) -> OpaquePointer {
        try ONNXRuntimeLibrary.make(function, api, body)
    }

    /// Calls a function that cannot fail, such as a release.
    func release(_ body: (UnsafePointer<OrtApi>) -> Void) {
        body(api)
    }

    /// Makes an environment's session from a file.
    func session(path: String, options: OpaquePointer) throws(ONNXRuntimeError) -> OpaquePointer {
        do {
            return try make("CreateSession") { api, out in api.pointee.CreateSession(environment, path, options, &out) }
        } catch {
            throw ONNXRuntimeError.opening(path, threw: error)
        }
    }

    /// Makes an environment's session from the bytes of a file.
    func session(bytes: Data, options: OpaquePointer) throws(ONNXRuntimeError) -> OpaquePointer {
        try make("CreateSessionFromArray") { api, out in
            bytes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return nil }
                return api.pointee.CreateSessionFromArray(environment, base, bytes.count, options, &out)
            }
        }
    }

    /// Calls a function that gives a string which the library allocated; `nil` where there is none.
    func string(
        _ function: String,
        _ body: (UnsafePointer<OrtApi>, OpaquePointer, inout UnsafeMutablePointer<CChar>?) -> OpaquePointer?
    ) throws(ONNXRuntimeError) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        try ONNXRuntimeLibrary.check(body(api, allocator, &text), function, api)
        guard let text else { return nil }
        let result = String(cString: text)
        try free(text)
        return result
    }

    /// The names of a model's custom metadata.
    func metadataKeys(_ metadata: OpaquePointer) throws(ONNXRuntimeError) -> [String] {
        var keys: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        var count: Int64 = 0
        try call("ModelMetadataGetCustomMetadataMapKeys") {
            $0.pointee.ModelMetadataGetCustomMetadataMapKeys(metadata, allocator, &keys, &count)
        }
        guard let keys else { return [] }
        var result: [String] = []
        for i in 0..<max(Int(count), 0) {
            guard let key = keys[i] else { continue }
            result.append(String(cString: key))
            try free(key)
        }
        try free(keys)
        return result
    }

    private func free(_ memory: UnsafeMutableRawPointer) throws(ONNXRuntimeError) {
        try call("AllocatorFree") { $0.pointee.AllocatorFree(allocator, memory) }
    }

    static func make(
        _ function: String, _ api: UnsafePointer<OrtApi>,
        _ body: (UnsafePointer<OrtApi>, inout OpaquePointer?) -> OpaquePointer?
    ) throws(ONNXRuntimeError) -> OpaquePointer {
        var object: OpaquePointer?
        try check(body(api, &object), function, api)
        guard let object else { throw .status(code: 1, message: "it gave no object", function: function) }
        return object
    }

    static func check(
        _ status: OpaquePointer?, _ function: String, _ api: UnsafePointer<OrtApi>
    ) throws(ONNXRuntimeError) {
        guard let status else { return }
        defer { api.pointee.ReleaseStatus(status) }
        throw .status(
            code: api.pointee.GetErrorCode(status), message: String(cString: api.pointee.GetErrorMessage(status)),
            function: function)
    }
}

/// What the runtime logs, on its way into our log.
private final class LogReceiver: Sendable {
    let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }
}

private func receiveLogLine(
    context: UnsafeMutableRawPointer?, severity: Int32, category: UnsafePointer<CChar>?, logID: UnsafePointer<CChar>?,
    location: UnsafePointer<CChar>?, message: UnsafePointer<CChar>?
) {
    guard let context, let message else { return }
    let receiver = Unmanaged<LogReceiver>.fromOpaque(context).takeUnretainedValue()
    let level: Logger.Level =
        switch severity {
        case 0: .trace
        case 1: .debug
        case 2: .warning
        case 3: .error
        default: .critical
        }
    receiver.logger.log(level: level, "ONNX Runtime: \(String(cString: message))")
}
