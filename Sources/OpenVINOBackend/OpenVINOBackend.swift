import Foundation
public import InstanceSegmentation
import Synchronization

/// Runs ONNX files through OpenVINO, whose library is opened when the backend is made.
///
/// It is worth its size where the processor computes with `bfloat16` (AVX512-BF16, AMX): half of the time for a small loss of accuracy.
public struct OpenVINOBackend: InferenceBackend {
    public let precision: InferencePrecision
    private let library: OpenVINOLibrary
    private let threads: Int
    private let adaptsThreads: Bool
    private let sessions = SessionList()

    /// Opens the library.
    ///
    /// - Parameters:
    ///   - threads: of one inference; by default as many as there are cores.
    ///   - adaptsThreads: whether a server's prediction uses all of those threads only while it is alone, and one while there are
    ///     several; otherwise always as many as said.
    ///   - mayReducePrecision: whether networks of 32-bit floats run in `bfloat16` where the processor has it.
    /// - Throws: `OpenVINOError`.
    public init(threads: Int? = nil, adaptsThreads: Bool = true, mayReducePrecision: Bool = true) throws {
        library = try OpenVINOLibrary.open()
        precision = mayReducePrecision && library.hasBFloat16 ? .bfloat16 : .float32
        self.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        self.adaptsThreads = adaptsThreads
    }

    public var name: String { "OpenVINO \(library.version)" }

    /// The file that was opened.
    public var libraryPath: String { library.path }

    /// Gives the memory of runs that are over back to the C library. For a time of rest: the next runs ask for it again.
    public func releaseMemory() {
        sessions.forEach { $0.releaseMemory() }
    }

    public func open(modelAt path: String, lanes: Int) async throws -> [any InferenceSession] {
        try self.lanes(at: path, count: max(lanes, 1), threads: threads)
    }

    /// A request alone is answered soonest with threads on all cores, several at once are answered fastest with one thread each; the
    /// network is compiled for both.
    public func openForServing(modelAt path: String, lanes: Int) async throws -> ServingLanes {
        guard adaptsThreads, lanes > 1, threads > 1 else {
            return ServingLanes(many: try self.lanes(at: path, count: max(lanes, 1), threads: threads))
        }
        return ServingLanes(
            wide: try self.lanes(at: path, count: 1, threads: threads),
            many: try self.lanes(at: path, count: lanes, threads: 1))
    }

    private func lanes(at path: String, count: Int, threads: Int) throws -> [any InferenceSession] {
        let session = try OpenVINOSession(
            library: library, path: path, precision: precision, streams: count, threads: count * threads)
        sessions.append(session)
        return (1...count).map { number in
            InferenceLane(model: session.description, name: "lane \(number)") { try session.run($0) }
        }
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
