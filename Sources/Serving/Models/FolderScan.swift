import Foundation
import InstanceSegmentation

/// What a folder of models holds at a moment, found without opening a model.
struct FolderScan: Sendable {
    /// A model that was found.
    struct Found: Sendable {
        let location: ModelLocation
        let fingerprint: ModelFingerprint
    }

    /// Most models of a folder; others are left out, last names first.
    static let maxModels = 10_000
    /// Most names of a folder that are read.
    static let maxNames = 65_536
    /// Most problems that are told.
    private static let maxProblems = 100

    private(set) var found: [Found] = []
    /// What is wrong in the folder, one sentence each.
    private(set) var problems: [String] = []
    /// Datasets whose folder exists but could not be read.
    private var unreadableDatasets: Set<String> = []
    /// Versions whose folder exists but could not be read.
    private var unreadableVersions: Set<ModelID> = []
    private(set) var namesFiles = NamesFiles()
    /// Whether models were left out because there are too many.
    private var isFull = false

    /// A look that has found nothing yet.
    init() {}

    /// Looks at files by name. Blocks the thread.
    init(_ locations: [ModelLocation], namesFiles: NamesFiles) {
        self.namesFiles = namesFiles
        for location in locations.prefix(Self.maxModels) {
            let folder = location.file.deletingLastPathComponent().path
            let names = names(in: folder) ?? []
            found.append(
                Found(
                    location: location,
                    fingerprint: ModelFingerprint(
                        folder: folder, modelFile: location.file.lastPathComponent, names: names,
                        namesFiles: &self.namesFiles)))
        }
    }

    /// The datasets of a folder, sorted. Blocks the thread.
    /// - Throws: `SegmentationError.invalidConfiguration` if the folder cannot be read.
    static func datasets(of root: String) throws -> [String] {
        do throws(FolderListing.Failure) { return try FolderListing(root, limit: maxNames).names.sorted() } catch {
            throw SegmentationError.invalidConfiguration("Cannot read the folder of models \(root): \(error).")
        }
    }

    /// Looks at `{version}/` of a dataset's folder. Blocks the thread.
    init(dataset: String, of root: String, namesFiles: NamesFiles) {
        self.namesFiles = namesFiles
        guard let versions = names(in: "\(root)/\(dataset)") else {
            unreadableDatasets.insert(dataset)
            return
        }
        for version in versions.sorted().prefix(Self.maxModels + 1) {
            add(ModelID(dataset: dataset, version: version), "\(root)/\(dataset)/\(version)")
        }
        self.namesFiles.keep(Set(found.map { $0.location.file.deletingLastPathComponent().path }))
    }

    /// Adds what another look found, as long as there is room.
    mutating func add(_ other: FolderScan) {
        let room = Self.maxModels - found.count
        found += other.found.prefix(room)
        unreadableDatasets.formUnion(other.unreadableDatasets)
        unreadableVersions.formUnion(other.unreadableVersions)
        for problem in other.problems { note(problem) }
        guard other.found.count > room, !isFull else { return }
        isFull = true
        note("The folder has more than \(Self.maxModels) models; the others are not served.")
    }

    /// Notes that a dataset could not be looked at.
    mutating func skip(_ dataset: String, because problem: String) {
        unreadableDatasets.insert(dataset)
        note("The dataset \(dataset.excerpt(4096)) cannot be read: \(problem)")
    }

    /// Whether the model may exist although it was not found.
    func mayExist(_ id: ModelID) -> Bool {
        unreadableDatasets.contains(id.dataset) || unreadableVersions.contains(id)
    }

    private mutating func add(_ id: ModelID, _ folder: String) {
        guard let names = names(in: folder) else {
            unreadableVersions.insert(id)
            return
        }
        guard let file = ModelDirectory.modelFile(among: names) else { return }
        guard !ModelDirectory.reservedNames.contains(id.dataset) else {
            note(SkippedFolder.reservedName(id).description)
            return
        }
        let fingerprint = ModelFingerprint(folder: folder, modelFile: file, names: names, namesFiles: &namesFiles)
        found.append(
            Found(location: ModelLocation(id: id, file: URL(filePath: "\(folder)/\(file)")), fingerprint: fingerprint))
    }

    /// The names in a folder: none if there is no such folder, `nil` if it cannot be read.
    private mutating func names(in folder: String) -> [String]? {
        do throws(FolderListing.Failure) {
            let listing = try FolderListing(folder, limit: Self.maxNames)
            if listing.isTruncated {
                note("The folder \(folder.excerpt(4096)) has more than \(Self.maxNames) entries; not all are read.")
            }
            return listing.names
        } catch {
            guard !error.isMissing else { return [] }
            note("The folder \(folder.excerpt(4096)) cannot be read: \(error).")
            return nil
        }
    }

    private mutating func note(_ problem: String) {
        if problems.count < Self.maxProblems { problems.append(problem) }
    }
}
