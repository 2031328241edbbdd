import ArgumentParser
import Foundation
import ImageCodecs
import Imaging

/// The image files that a user names, each of them once.
struct InputImages {
    /// Paths as the user spelled them; of folders, the images directly in them, by name. Names that begin with a period
    /// are left out of folders: macOS keeps a file's attributes in a `._` file next to it.
    private(set) var files: [String] = []
    /// A sentence for each path that leads to no image.
    private(set) var problems: [String] = []

    private var entries: Set<[UInt8]> = []
    private var nodes: [String: FileNode] = [:]
    private var folders: [String: String] = [:]

    init(_ paths: [String]) {
        for path in paths {
            do {
                _ = try FileNode(at: path, followingLinks: false)
                // What cannot be reached through a link is named when it is read.
                if (try? FileNode(at: path))?.kind == .folder {
                    try addImages(inFolder: path)
                } else {
                    add(path)
                }
            } catch let error as FileProblem {
                let isMissing = error.code == ENOENT || error.code == ENOTDIR
                problems.append(
                    isMissing ? "There is no file '\(path)'." : "'\(path)' cannot be read: \(error)")
            } catch {
                problems.append("'\(path)' cannot be read: \(FileProblem.reason(of: error))")
            }
        }
    }

    private mutating func addImages(inFolder path: String) throws {
        let extensions = Set(ImageFormat.allCases.flatMap(\.fileExtensions))
        guard let folder = opendir(path) else { throw FileProblem(code: errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let (name, isValid) = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
                    (String(cString: $0), String(validatingCString: $0) != nil)
                }
            }
            guard name.utf8.first != UInt8(ascii: "."),
                extensions.contains(URL(filePath: "/" + name).pathExtension.lowercased())
            else { continue }
            if isValid {
                names.append(name)
            } else {
                problems.append("'\(FilePath.join(path, name))' cannot be read: its name is not valid UTF-8.")
            }
        }
        if names.isEmpty { problems.append("The folder '\(path)' has no images in it.") }
        for name in names.sorted() { add(FilePath.join(path, name)) }
    }

    /// Adds a file that is not there yet. Links to one file are different images: each has a name of its own.
    private mutating func add(_ path: String) {
        let (folder, name) = FilePath.split(path)
        let resolved = folders[folder] ?? FilePath.resolved(folder)
        folders[folder] = resolved
        let entry = FilePath.join(resolved, name)
        guard entries.insert(Array(entry.utf8)).inserted else { return }
        if let node = try? FileNode(at: path, followingLinks: false) {
            // One entry in two spellings, where the file system does not tell them apart.
            let key = FilePath.key(entry)
            if let other = nodes[key], other == node, node.linkCount == 1 { return }
            nodes[key] = node
        }
        files.append(path)
    }
}

/// The images among files and folders, for commands that need every one of them.
enum ImageFiles {
    /// - Throws: `ValidationError` for the first path that leads to no image.
    static func find(_ paths: [String]) throws -> [String] {
        let found = InputImages(paths)
        if let problem = found.problems.first { throw ValidationError(problem) }
        return found.files
    }
}
