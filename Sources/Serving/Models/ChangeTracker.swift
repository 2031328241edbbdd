import InstanceSegmentation

/// Decides from looks at the disk which models have changed.
struct ChangeTracker {
    /// The models as they are published.
    private(set) var entries: [ModelID: ModelEntry] = [:]
    /// Models whose header is to be read.
    private(set) var pending: [ModelID: ModelLocation] = [:]
    /// What the last look found that is not taken over yet.
    private var unsettled: [ModelID: ModelFingerprint] = [:]
    /// Models that the last look did not find.
    private var missing: Set<ModelID> = []
    /// Size of the class names of each model, in bytes.
    private var nameSizes: [ModelID: Int] = [:]
    /// The sum of `nameSizes`.
    private var nameSize = 0

    /// Most bytes of class names that are kept for all models together.
    private static let maxNameSize = 64 << 20

    /// Takes over what a look at the disk found.
    ///
    /// A file that is being written looks different each time, and a model that is being replaced may be missing for a moment: both
    /// must look the same twice in a row.
    /// - Parameter all: whether to take everything over at once.
    /// - Returns: whether a model was added, changed or removed.
    mutating func take(_ scan: FolderScan, all: Bool) -> Bool {
        var hasChanged = false
        var (seen, found) = ([ModelID: ModelFingerprint](), Set<ModelID>())
        for model in scan.found {
            let id = model.location.id
            found.insert(id)
            let entry = entries[id]
            if let entry, entry.fingerprint == model.fingerprint, entry.location == model.location { continue }
            guard all || unsettled[id] == model.fingerprint else {
                seen[id] = model.fingerprint
                continue
            }
            entries[id] = ModelEntry(
                location: model.location, fingerprint: model.fingerprint, metadata: entry?.metadata ?? .pending)
            pending[id] = model.location
            hasChanged = true
        }
        unsettled = seen
        let absent = entries.keys.filter { !found.contains($0) && !scan.mayExist($0) }
        for id in absent where all || missing.contains(id) {
            entries[id] = nil
            setNameSize(0, of: id)
            pending[id] = nil
            hasChanged = true
        }
        missing = Set(absent)
        return hasChanged
    }

    /// Has the header of a model read again. Returns false where the model is gone.
    mutating func retry(_ location: ModelLocation) -> Bool {
        guard entries[location.id]?.location == location else { return false }
        pending[location.id] = location
        return true
    }

    /// Notes what the header of a model says.
    mutating func note(_ metadata: ModelEntry.Metadata, of location: ModelLocation) {
        pending[location.id] = nil
        guard entries[location.id]?.location == location else { return }
        setNameSize(0, of: location.id)
        guard case .read(let read) = metadata else {
            entries[location.id]?.metadata = metadata
            return
        }
        let size = read.classNames.reduce(0) { $0 + $1.utf8.count + MemoryLayout<String>.size }
        guard nameSize + size <= Self.maxNameSize else {
            entries[location.id]?.metadata = .failed(
                reason: "The class names of all models together take more than \(Self.maxNameSize >> 20) MiB.")
            return
        }
        setNameSize(size, of: location.id)
        entries[location.id]?.metadata = metadata
    }

    private mutating func setNameSize(_ size: Int, of id: ModelID) {
        nameSize += size - (nameSizes[id] ?? 0)
        nameSizes[id] = size == 0 ? nil : size
    }
}
