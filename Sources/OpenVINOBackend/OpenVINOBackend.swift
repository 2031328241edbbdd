public import Foundation
public import InstanceSegmentation
import RuntimeSupport
import Synchronization

/// Runs ONNX models with OpenVINO. The first backend that is created loads the shared library.
///
/// It is worth its size on processors with `bfloat16` arithmetic (AVX512-BF16, AMX): it halves the inference time, with
/// a small loss of accuracy.
public struct OpenVINOBackend: InferenceBackend {
    public let precision: InferencePrecision
    private let library: OpenVINOLibrary
    private let threads: Int
    private let adaptsThreads: Bool
    private let sessions = SessionList()

    /// Loads the library, or uses the one already loaded: a process has one OpenVINO core per library.
    ///
    /// - Parameters:
    ///   - threads: number of threads per inference; by default the number of cores.
    ///   - adaptsThreads: whether an inference uses all of those threads only while it is alone. Concurrent inferences
    ///     use one thread each. If `false`, every inference uses `threads`.
    ///   - mayReducePrecision: whether networks of 32-bit floats run in `bfloat16` if the processor supports it.
    /// - Throws: `OpenVINOError`.
    public init(threads: Int? = nil, adaptsThreads: Bool = true, mayReducePrecision: Bool = true) throws {
        library = try OpenVINOLibrary.open()
        precision = mayReducePrecision && library.hasBFloat16 ? .bfloat16 : .float32
        self.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        self.adaptsThreads = adaptsThreads
    }

    public var name: String { "OpenVINO \(library.version)" }

    /// The path of the loaded library.
    public var libraryPath: String { library.path }

    /// Returns the memory of completed runs to the C library, on a thread of its own. Call it when the process is idle:
    /// the next runs allocate the memory again.
    public func releaseMemory() async {
        await onThread(named: "release") { [sessions] in sessions.forEach { $0.releaseMemory() } }
    }

    /// Reads the inputs, outputs and metadata of a model file. Types and shapes are those that the file declares; the
    /// precision is the backend's.
    /// - Throws: `OpenVINOError` or `SegmentationError`.
    public func describe(modelAt url: URL) throws -> ModelDescription {
        var description = ModelDescription(try ONNXHeader(openVINOModelAt: url.path))
        description.precision = precision
        return description
    }

    /// Loads a model on a separate thread.
    ///
    /// A single inference has the lowest latency with threads on all cores. Concurrent inferences have the highest
    /// throughput with one thread each. The network is compiled for both.
    /// - Throws: `OpenVINOError` or `SegmentationError`.
    public func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel {
        try await onThread(named: "load") { try model(at: url.path, concurrency: max(concurrency, 1)) }
    }

    private func model(at path: String, concurrency: Int) throws -> SessionPool {
        guard adaptsThreads, concurrency > 1, threads > 1 else {
            let session = try session(at: path, streams: concurrency, threads: threads)
            return SessionPool(model: session.description, maxConcurrency: concurrency) { try session.run($0) }
        }
        let wide = try session(at: path, streams: 1, threads: threads)
        let session = try session(at: path, streams: concurrency, threads: 1)
        return SessionPool(
            model: session.description, maxConcurrency: concurrency,
            wide: SessionPool.WideSession(count: 1) { try wide.run($0) }
        ) { try session.run($0) }
    }

    /// - Parameter threads: of each stream.
    private func session(at path: String, streams: Int, threads: Int) throws -> OpenVINOSession {
        let session = try OpenVINOSession(
            library: library, path: path, precision: precision, streams: streams, threads: streams * threads)
        sessions.append(session)
        return session
    }
}

extension ONNXHeader {
    /// Reads the header of a file that is to be given to the runtime.
    /// - Throws: `OpenVINOError` or `SegmentationError`.
    init(openVINOModelAt path: String) throws {
        do {
            guard let header = try ONNXHeader(modelAt: path) else {
                throw OpenVINOError.unreadableModel(path: path, reason: "there is no such file.")
            }
            self = header
        } catch ONNXHeader.Refusal.malformed {
            throw OpenVINOError.unreadableModel(
                path: path, reason: "the file is not a valid ONNX model, or it is truncated.")
        }
        guard precision != .int8 else { throw OpenVINOError.quantizedModel(path: path) }
    }
}

/// The sessions that are still in use.
private final class SessionList: Sendable {
    private struct Entry {
        weak var session: OpenVINOSession?
    }

    private let entries = Mutex<[Entry]>([])

    func append(_ session: OpenVINOSession) {
        entries.withLock { entries in
            entries.removeAll { $0.session == nil }
            entries.append(Entry(session: session))
        }
    }

    func forEach(_ body: (OpenVINOSession) -> Void) {
        for session in entries.withLock({ $0.compactMap(\.session) }) { body(session) }
    }
}
