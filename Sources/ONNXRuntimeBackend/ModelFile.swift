import Foundation
import InstanceSegmentation
import RuntimeSupport

/// A file that sessions are made of, and what is left out of its graph.
struct ModelFile {
    let path: String
    /// The file without what decoders do themselves; `nil` where all of it is run.
    private(set) var prunedGraph: Data?
    /// What such a file answers.
    private(set) var heads: RawHeads?
    /// What numbers it is run with.
    private(set) var precision = InferencePrecision.float32
    /// Why the runtime must not be given the file: opening a pipe, for example, would block it.
    private(set) var refusal: (any Error)?

    /// Largest file whose graph is rewritten, in memory of that size. Larger ones are run as they are.
    private static let largest = 400 << 20

    init(path: String, options: SessionOptions) {
        self.path = path
        let header: ONNXHeader
        do {
            // If the file does not exist, the runtime reports it.
            guard let found = try ONNXHeader(runtimeModelAt: path) else { return }
            header = found
        } catch {
            refusal = error
            return
        }
        precision = header.precision
        guard options.leavesOutTails, let file = try? OpenedFile(path, limit: Self.largest),
            let graph = ONNXGraph(reading: file), let heads = graph.detectionHeads,
            let rest = graph.file(answering: heads.names)
        else { return }  // what is wrong with a file is said when it is opened
        prunedGraph = rest
        self.heads = heads
    }
}
