import ArgumentParser
import Foundation
import InstanceSegmentation
import Logging
import ONNXRuntimeBackend
import OpenVINOBackend

/// What runs networks.
struct BackendOptions: ParsableArguments {
    enum Backend: String, ExpressibleByArgument, CaseIterable {
        case onnxruntime, openvino
    }

    enum Precision: String, ExpressibleByArgument, CaseIterable {
        case auto, fp32
    }

    @Option(
        help: ArgumentHelp(
            "What runs networks: onnxruntime, or openvino ('make setup BACKENDS=openvino' fetches it).",
            valueName: "name"))
    var backend: Backend?

    @Option(
        help: ArgumentHelp(
            "Numbers that networks are run with: fp32 (as files say), or auto (with openvino bf16, where the processor has it).",
            valueName: "name"))
    var precision: Precision?

    func validate() throws {
        _ = try (Self.chosen(backend, "BACKEND", .onnxruntime), Self.chosen(precision, "PRECISION", .auto))
    }

    /// Opens the backend.
    /// - Parameters:
    ///   - threads: of one inference; `nil` for all cores, and in a server one each where there are several inferences.
    func open(threads: Int? = nil, logger: Logger) throws -> any InferenceBackend & MemoryKeeping {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let precision = try Self.chosen(precision, "PRECISION", Precision.auto)
        switch try Self.chosen(backend, "BACKEND", Backend.onnxruntime) {
        case .onnxruntime:
            return try ONNXRuntimeBackend(
                options: SessionOptions(threads: threads ?? cores), adaptsThreads: threads == nil, logger: logger)
        case .openvino:
            return try OpenVINOBackend(
                threads: threads, adaptsThreads: threads == nil, mayReducePrecision: precision == .auto)
        }
    }

    private static func chosen<Choice: RawRepresentable<String> & CaseIterable>(
        _ option: Choice?, _ name: String, _ standard: Choice
    ) throws -> Choice {
        if let option { return option }
        guard let text = environment(name) else { return standard }
        guard let choice = Choice(rawValue: text) else {
            let all = Choice.allCases.map(\.rawValue).joined(separator: " or ")
            throw ValidationError("SILHOUETTE_\(name) is '\(text)'; expected \(all).")
        }
        return choice
    }
}

/// A backend that keeps memory between runs, and can give it back.
protocol MemoryKeeping: Sendable {
    /// The file that was opened.
    var libraryPath: String { get }
    func releaseMemory() async throws
}

extension ONNXRuntimeBackend: MemoryKeeping {}
extension OpenVINOBackend: MemoryKeeping {}
