import Foundation
public import InstanceSegmentation
public import Logging

/// Runs ONNX files through ONNX Runtime, whose library is opened when the backend is made.
public struct ONNXRuntimeBackend: InferenceBackend {
    private let library: ONNXRuntimeLibrary
    private let options: SessionOptions
    private let adaptsThreads: Bool

    /// Opens the library. The process has one environment of ONNX Runtime; make one backend.
    ///
    /// - Parameters:
    ///   - options: how models are run; by default with as many threads as there are cores.
    ///   - adaptsThreads: whether a server's predictions use those threads only while there are few, and one each while there are as
    ///     many as cores; otherwise always as many as the options say.
    ///   - logger: where the runtime's own lines go.
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

    /// Gives memory that no run needs back to the C library. For a time of rest: the next runs ask for it again.
    public func releaseMemory() throws {
        try library.emptyPool()
    }

    public func open(modelAt path: String, lanes: Int) async throws -> [any InferenceSession] {
        try self.lanes(of: ModelFile(path: path, options: options), options, count: lanes)
    }

    /// A request alone is answered soonest with threads on all cores; as many as there are cores are answered fastest with one thread
    /// each, since then none waits for another's. No one session does both, so the network is loaded twice. Between the two, while there
    /// are two cores or more for each, requests share the threads of the first.
    public func openForServing(modelAt path: String, lanes: Int) async throws -> ServingLanes {
        let file = ModelFile(path: path, options: options)
        guard adaptsThreads, lanes > 1, options.threads > 1 else {
            return ServingLanes(many: try self.lanes(of: file, options, count: lanes))
        }
        var single = options
        single.threads = 1
        return ServingLanes(
            wide: try self.lanes(of: file, options, count: min(options.threads / 2, lanes)),
            many: try self.lanes(of: file, single, count: lanes))
    }

    private func lanes(of file: ModelFile, _ options: SessionOptions, count: Int) throws -> [any InferenceSession] {
        let session = try ONNXSession(library: library, file: file, options: options)
        return (1...max(count, 1)).map { number in
            InferenceLane(model: session.description, name: "lane \(number)") { try session.run($0) }
        }
    }
}
