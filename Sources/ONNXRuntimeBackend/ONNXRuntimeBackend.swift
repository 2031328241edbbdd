public import Foundation
public import InstanceSegmentation
public import Logging
import RuntimeSupport

/// Runs ONNX models with ONNX Runtime. The first backend that is created loads the shared library.
public struct ONNXRuntimeBackend: InferenceBackend {
    let library: ONNXRuntimeLibrary
    private let options: SessionOptions
    private let adaptsThreads: Bool

    /// Loads the library, or uses the one already loaded: a process has one ONNX Runtime environment per library.
    ///
    /// - Parameters:
    ///   - options: the session options. By default, an inference uses as many threads as there are cores.
    ///   - adaptsThreads: whether inferences use those threads only under light load. When there are as many inferences
    ///     as cores, each uses one thread. If `false`, the number of threads is always that of the options.
    ///   - logger: receives the runtime's log messages. The logger of the first backend stays in use.
    /// - Throws: `ONNXRuntimeError`.
    public init(
        options: SessionOptions? = nil, adaptsThreads: Bool = true, logger: Logger = Logger(label: "onnxruntime")
    ) throws {
        library = try ONNXRuntimeLibrary.open(logger: logger)
        self.options = options ?? SessionOptions(threads: ProcessInfo.processInfo.activeProcessorCount)
        self.adaptsThreads = adaptsThreads
    }

    public var name: String { "ONNX Runtime \(library.version)" }

    /// The path of the loaded library.
    public var libraryPath: String { library.path }

    /// Returns unused memory to the C library, on a thread of its own. Call it when the process is idle: the next runs
    /// allocate the memory again.
    /// - Throws: `ONNXRuntimeError`.
    public func releaseMemory() async throws {
        try await onThread(named: "release") { [library] in try library.emptyPool() }
    }

    /// Reads the inputs, outputs and metadata of a model file. The outputs are those of the file, even if the graph
    /// that runs is pruned.
    /// - Throws: `ONNXRuntimeError` or `SegmentationError`.
    public func describe(modelAt url: URL) throws -> ModelDescription {
        guard let header = try ONNXHeader(runtimeModelAt: url.path) else {
            throw ONNXRuntimeError.unreadableModel(path: url.path, reason: "the file does not exist.")
        }
        return ModelDescription(header)
    }

    /// Loads a model on a separate thread.
    ///
    /// A single inference has the lowest latency with threads on all cores. With as many inferences as cores, one
    /// thread each gives the highest throughput, since none waits for another. No single session does both, so a model
    /// with concurrent inferences is loaded twice. While there are two cores or more per inference, inferences share
    /// the threads of the first session.
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
    /// Reads the header of a file that the runtime will load; `nil` if the file does not exist.
    init?(runtimeModelAt path: String) throws {
        do {
            try self.init(modelAt: path)
        } catch ONNXHeader.Refusal.malformed {
            throw ONNXRuntimeError.unreadableModel(
                path: path, reason: "the file is not a valid ONNX model, or it is truncated.")
        }
    }
}
