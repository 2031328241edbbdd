import Synchronization

/// Sentences that a registry warned with.
final class Warnings: Sendable {
    private let sentences = Mutex<[String]>([])

    /// The sentences so far, the first one first.
    var all: [String] { sentences.withLock { $0 } }

    /// Keeps a sentence.
    func add(_ sentence: String) { sentences.withLock { $0.append(sentence) } }
}
