public import Foundation
public import InstanceSegmentation
public import Logging
import RuntimeSupport

/// Runs ONNX files through ONNX Runtime, whose library is opened when the first backend is made.
public struct ONNXRuntimeBackend: InferenceBackend {
    let library: ONNXRuntimeLibrary
    private let options: SessionOptions
    private let adaptsThreads: Bool

    /// Opens the library, or uses the one that is open: a process has one environment of ONNX Runtime for each library.
    ///
    /// - Parameters:
    ///   - options: how models run. Default: with as many threads as there are cores.
    ///   - adaptsThreads: whether inferences use those threads only while there are few, and one thread each while
    ///     there are as many as cores; otherwise always as many as the options say.
    ///   - logger: receives the runtime's log lines. The logger of the first backend stays in use.
    /// - Throws: `ONNXRuntimeError`.
    public init(
        options: SessionOptions? = nil, adaptsThreads: Bool = true, logger: Logger = Logger(label: "onnxruntime")
    ) throws {
        library = try ONNXRuntimeLibrary.open(logger: logger)
        self.options = options ?? SessionOptions(threads: ProcessInfo.processInfo.activeProcessorCount)
        self.adaptsThreads = adaptsThreads
    }

    public var name: String { "ONNX Runtime \(library.version)" }

    /// The file that was opened.
    public var libraryPath: String { library.path }

    /// Releases memory that no run needs to the C library, on a thread of its own. For idle times: the next runs
    /// allocate it again.
    /// - Throws: `ONNXRuntimeError`.
    public func releaseMemory() async throws {
        try await onThread(named: "release") { [library] in try library.emptyPool() }
    }

    /// Reads what a model file says of itself. Outputs are those of the file, also where their end is left out of the
    /// graph that runs.
    /// - Throws: `ONNXRuntimeError` or `SegmentationError`.
    public func describe(modelAt url: URL) throws -> ModelDescription {
        guard let header = try ONNXHeader(runtimeModelAt: url.path) else {
            throw ONNXRuntimeError.unreadableModel(path: url.path, reason: "the file does not exist.")
        }
        return ModelDescription(header)
    }

    /// Loads a model on a thread of its own.
    ///
    /// A single inference has the lowest latency with threads on all cores; as many inferences as there are cores have
    /// the highest throughput with one thread each, since then none waits for another's. No one session does both, so a
    /// model for several inferences at a time is loaded twice. While there are two cores or more for each inference,
    /// they share the threads of the first session.
    /// - Throws: `ONNXRuntimeError` or `SegmentationError`.
    public func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel {
        try await onThread(named: "load") { try model(at: url.path, concurrency: max(concurrency, 1)) }
    }

    private func model(at path: String, concurrency: Int) throws -> SessionPool {
        let file = ModelFile(path: path, options: options)
        let session = try ONNXSession(library: library, file: file, options: options)
        guard adaptsThreads, concurrency > 1, options.threads > 1 else {
            return SessionPool(model: session.description, maxConcurrency: concurrency) { try session.run($0) }
        }
        var singleThreaded = options
        singleThreaded.threads = 1
        let other = try ONNXSession(library: library, file: file, options: singleThreaded)
        return SessionPool(
            model: other.description, maxConcurrency: concurrency,
            wide: SessionPool.WideSession(count: min(options.threads / 2, concurrency)) { try session.run($0) }
        ) { try other.run($0) }
    }
}

extension ONNXHeader {
    /// Reads the header of a file that is to be given to the runtime; `nil` if there is no file.
    init?(runtimeModelAt path: String) throws {
        do {
            try self.init(modelAt: path)
        } catch ONNXHeader.Refusal.malformed {
            throw ONNXRuntimeError.unreadableModel(path: path, reason: "it is no ONNX file, or only a part of one.")
        }
    }
}
