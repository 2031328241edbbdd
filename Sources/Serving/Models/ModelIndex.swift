public import Foundation
public import InstanceSegmentation

/// A model on disk.
public struct ModelEntry: Sendable {
    /// What is known of a model from its header.
    public enum Metadata: Sendable {
        /// The header is about to be read.
        case pending
        case read(ModelMetadata)
        /// Why the header or the settings cannot be used.
        case failed(reason: String)
    }

    public let location: ModelLocation
    public let fingerprint: ModelFingerprint
    /// When the newest of its files was modified, if there is one.
    public let modified: Date?
    /// Of the same files, or, while the header of changed files is about to be read, of those before.
    public internal(set) var metadata: Metadata

    public var id: ModelID { location.id }

    init(location: ModelLocation, fingerprint: ModelFingerprint, metadata: Metadata) {
        self.location = location
        self.fingerprint = fingerprint
        self.metadata = metadata
        modified = fingerprint.modified
    }
}

/// The models on disk at a moment.
public struct ModelIndex: Sendable {
    /// Grows with every change; 0 before the first look at the disk.
    public let revision: Int
    /// By dataset and then by version, numbers in their order.
    public let entries: [ModelEntry]
    /// The models, in the order of `entries`.
    public let ids: [ModelID]
    private let positions: [ModelID: Int]

    init(revision: Int = 0, entries: some Sequence<ModelEntry> = []) {
        let sorted = entries.sorted {
            let byDataset = $0.id.dataset.compare($1.id.dataset, options: .numeric)
            return byDataset == .orderedSame
                ? $0.id.version.compare($1.id.version, options: .numeric) == .orderedAscending
                : byDataset == .orderedAscending
        }
        self.revision = revision
        self.entries = sorted
        ids = sorted.map(\.id)
        positions = Dictionary(sorted.enumerated().map { ($1.id, $0) }) { first, _ in first }
    }

    /// The entry of a model; `nil` if there is no such model.
    public subscript(id: ModelID) -> ModelEntry? { positions[id].map { entries[$0] } }
}
