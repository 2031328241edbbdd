internal import COpenVINO
import Foundation
import InstanceSegmentation
import RuntimeSupport
import Synchronization

/// A loaded library, its functions and its one core. All backends of the process share it, and it is never unloaded.
///
/// `@unchecked Sendable`: the table is constant, and OpenVINO's core may be used by all threads at once.
final class OpenVINOLibrary: @unchecked Sendable {
    let path: String
    let version: String
    /// Whether the processor computes with `bfloat16`.
    let hasBFloat16: Bool
    private let table: UnsafePointer<SilhouetteOpenVINO>
    private let core: OpaquePointer

    /// The libraries that are open, by the address of their table, which is one for all paths of a file.
    private static let opened = Mutex<[UInt: OpenVINOLibrary]>([:])

    /// Finds the library, and opens it unless it is open.
    ///
    /// The first location that has one is used: `SILHOUETTE_OPENVINO_LIBRARY` (if it is set but unusable, no other is
    /// tried); the folder `lib/openvino` next to the program, above it, and in the current folder; the system.
    static func open() throws -> OpenVINOLibrary {
        if let path = ProcessInfo.processInfo.environment["SILHOUETTE_OPENVINO_LIBRARY"], !path.isEmpty {
            return try open(path: path)
        }
        var tried: [String] = []
        let names = RuntimeLibraries.candidates(in: "openvino") { $0.hasPrefix("libopenvino_c.") }
        for path in names + ["libopenvino_c.so"] {
            do throws(OpenVINOError) {
                return try open(path: path)
            } catch .libraryUnusable(let path, let reason) {
                tried.append("\(path) (\(reason))")
            }
        }
        throw OpenVINOError.libraryNotFound(tried: tried)
    }

    private static func open(path: String) throws(OpenVINOError) -> OpenVINOLibrary {
        try opened.withLock { (opened) throws(OpenVINOError) in
            var message: UnsafePointer<CChar>?
            guard let table = silhouette_openvino_open(path, &message) else {
                throw .libraryUnusable(path: path, reason: message.map { String(cString: $0) } ?? "it cannot be opened")
            }
            let address = UInt(bitPattern: table)
            if let library = opened[address] { return library }
            let library = try OpenVINOLibrary(path: path, table: table)
            opened[address] = library
            return library
        }
    }

    private init(path: String, table: UnsafePointer<SilhouetteOpenVINO>) throws(OpenVINOError) {
        self.path = path
        self.table = table
        var version = ov_version_t()
        try Self.check(table.pointee.ov_get_openvino_version(&version), "ov_get_openvino_version", table)
        // "2026.4.1-22982-…": the release is enough.
        let number = version.buildNumber.map { String(cString: $0) } ?? "of unknown version"
        self.version = String(number.prefix { $0 != "-" })
        table.pointee.ov_version_free(&version)
        core = try Self.make("ov_core_create", table) { $0.pointee.ov_core_create(&$1) }
        var text: UnsafeMutablePointer<CChar>?
        try Self.check(
            table.pointee.ov_core_get_property(core, "CPU", "OPTIMIZATION_CAPABILITIES", &text), "ov_core_get_property",
            table)
        hasBFloat16 = text.map { String(cString: $0).split(separator: " ").contains("BF16") } ?? false
        if let text { table.pointee.ov_free(text) }
    }

    // MARK: Calls

    /// Reads a file and calls a function with the network, which is valid until it returns.
    func withModel<Result>(
        at path: String, _ body: (OpaquePointer) throws(OpenVINOError) -> Result
    ) throws(OpenVINOError) -> Result {
        let model: OpaquePointer
        do {
            model = try make("ov_core_read_model") { $0.pointee.ov_core_read_model(core, path, nil, &$1) }
        } catch .status(_, let message, _) {
            throw .unreadableModel(path: path, reason: message)
        }
        defer { table.pointee.ov_model_free(model) }
        return try body(model)
    }

    /// Compiles a network.
    /// - Parameters:
    ///   - streams: inferences that run at once.
    ///   - threads: of all streams together.
    func compile(
        _ model: OpaquePointer, precision: InferencePrecision, streams: Int, threads: Int
    ) throws(OpenVINOError) -> OpaquePointer {
        try make("ov_core_compile_model") { table, out in
            silhouette_openvino_compile(
                table, core, model, precision == .bfloat16 ? "bf16" : "f32", String(streams), String(threads), &out)
        }
    }

    /// Calls a function of the table; a status becomes an error with the function's name.
    func call(_ function: String, _ body: (UnsafePointer<SilhouetteOpenVINO>) -> ov_status) throws(OpenVINOError) {
        try Self.check(body(table), function, table)
    }

    /// Calls a function that makes an object.
    func make(
        _ function: String, _ body: (UnsafePointer<SilhouetteOpenVINO>, inout OpaquePointer?) -> ov_status
    ) throws(OpenVINOError) -> OpaquePointer {
        try Self.make(function, table, body)
    }

    /// Calls a function that cannot fail, such as a release.
    func release(_ body: (UnsafePointer<SilhouetteOpenVINO>) -> Void) {
        body(table)
    }

    private static func make(
        _ function: String, _ table: UnsafePointer<SilhouetteOpenVINO>,
        _ body: (UnsafePointer<SilhouetteOpenVINO>, inout OpaquePointer?) -> ov_status
    ) throws(OpenVINOError) -> OpaquePointer {
        var object: OpaquePointer?
        try check(body(table, &object), function, table)
        guard let object else { throw .status(code: 0, message: "it gave no object", function: function) }
        return object
    }

    private static func check(
        _ status: ov_status, _ function: String, _ table: UnsafePointer<SilhouetteOpenVINO>
    ) throws(OpenVINOError) {
        guard status != 0 else { return }
        let last = table.pointee.ov_get_last_err_msg()
        defer { if let last { table.pointee.ov_free(last) } }
        let text = (last ?? table.pointee.ov_get_error_info(status)).map { String(cString: $0) } ?? "no reason given"
        // The first lines name places in OpenVINO's sources; what follows says what is wrong.
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("Exception from ") && !$0.hasPrefix("Check '") }
        throw .status(code: status, message: lines.isEmpty ? text : lines.joined(separator: " "), function: function)
    }
}
