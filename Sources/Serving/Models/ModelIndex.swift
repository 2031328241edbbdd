public import Foundation
public import InstanceSegmentation

/// A model on disk.
public struct ModelEntry: Sendable {
    /// The metadata from a model's header and settings, or the reason why it could not be read.
    public enum Metadata: Sendable {
        /// The header has not been read yet.
        case pending
        case read(ModelMetadata)
        /// The header or the settings are invalid.
        case failed(reason: String)
    }

    public let location: ModelLocation
    public let fingerprint: ModelFingerprint
    /// The modification date of the newest file, if there is one.
    public let modified: Date?
    /// The metadata of these files. While the header of changed files is pending, the metadata of the previous ones.
    public internal(set) var metadata: Metadata

    public var id: ModelID { location.id }

    init(location: ModelLocation, fingerprint: ModelFingerprint, metadata: Metadata) {
        self.location = location
        self.fingerprint = fingerprint
        self.metadata = metadata
        modified = fingerprint.modified
    }
}

/// A snapshot of the models on disk.
public struct ModelIndex: Sendable {
    /// Increases with every change; 0 before the first scan.
    public let revision: Int
    /// The entries, ordered by dataset and then by version; numbers in names are compared by value.
    public let entries: [ModelEntry]
    /// The identifiers of the models, in the order of `entries`.
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
