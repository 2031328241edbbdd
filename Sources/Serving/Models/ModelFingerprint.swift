public import Foundation
package import InstanceSegmentation

/// What the file system says of one file; it is another when the file is written or replaced.
struct FileStamp: Hashable, Sendable {
    let name: String
    let device: UInt64
    let inode: UInt64
    /// Kind and permissions.
    let mode: UInt32
    /// In bytes.
    let size: Int64
    /// Time of the last modification, in seconds and nanoseconds since 1970.
    let modified: [Int64]

    /// Looks at a file without opening it; `nil` if the file does not exist.
    init?(_ folder: String, _ name: String) {
        var status = stat()
        guard stat("\(folder)/\(name)", &status) == 0 else { return nil }
        self.name = name
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        mode = UInt32(truncatingIfNeeded: status.st_mode)
        size = Int64(truncatingIfNeeded: status.st_size)
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        modified = [Int64(time.tv_sec), Int64(time.tv_nsec)]
    }
}

/// Identifies the contents of a model's files without reading them: the model, its external weights, and the settings
/// next to it.
public struct ModelFingerprint: Hashable, Sendable {
    /// Sorted by name.
    private let stamps: [FileStamp]

    /// The modification date of the newest file; `nil` if there is no file.
    public var modified: Date? {
        stamps.map { Date(timeIntervalSince1970: Double($0.modified[0]) + Double($0.modified[1]) / 1e9) }.max()
    }

    /// The most files that are looked at.
    private static let maxFiles = 256
    private static let weightSuffixes = [".data", "_data", ".bin", ".weights"]

    /// Reads the attributes of a model's files. Blocks the calling thread.
    ///
    /// - Throws: an error that states why the folder is unreadable.
    package init(of location: ModelLocation) throws {
        let folder = location.file.deletingLastPathComponent().path
        var namesFiles = NamesFiles()
        self.init(
            folder: folder, modelFile: location.file.lastPathComponent,
            names: try FolderListing(folder, limit: FolderScan.maxNames).names, namesFiles: &namesFiles)
    }

    /// Looks at those of the names that belong to the model.
    init(folder: String, modelFile: String, names: [String], namesFiles: inout NamesFiles) {
        let namesFile = namesFiles.name(in: folder)
        let relevant = names.filter { name in
            name.hasPrefix(modelFile) || ModelSettings.fileNames.contains(name) || name == namesFile
                || Self.weightSuffixes.contains(where: name.hasSuffix)
        }
        stamps = relevant.sorted().prefix(Self.maxFiles).compactMap { FileStamp(folder, $0) }
    }
}

/// The files that `model.json` names as `namesFile`: each is read once for each state of its `model.json`.
struct NamesFiles: Sendable {
    private var known: [String: (stamp: FileStamp, name: String?)] = [:]

    /// The file of class names that the `model.json` of a folder names; `nil` if it names none or cannot be read.
    mutating func name(in folder: String) -> String? {
        guard let stamp = FileStamp(folder, "model.json") else {
            known[folder] = nil
            return nil
        }
        if let entry = known[folder], entry.stamp == stamp { return entry.name }
        let name = Self.read(URL(filePath: "\(folder)/model.json"))
        known[folder] = (stamp, name)
        return name
    }

    /// Forgets other folders.
    mutating func keep(_ folders: Set<String>) {
        known = known.filter { folders.contains($0.key) }
    }

    private static func read(_ file: URL) -> String? {
        // What is wrong with the file is said where its settings are read.
        guard let json = try? OrdinaryFile.contents(of: file),
            let object = try? JSONSerialization.jsonObject(with: json) as? [String: Any],
            let name = object["namesFile"] as? String, name.utf8.count <= Int(NAME_MAX)
        else { return nil }
        return name
    }
}
