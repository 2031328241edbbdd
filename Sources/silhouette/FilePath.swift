import Foundation

/// Spellings of paths, and the files that they lead to.
enum FilePath {
    /// The absolute path without `.`, `..` and repeated slashes. Symbolic links are not followed.
    static func absolute(_ path: String) -> String {
        let full = path.utf8.first == slash ? path : FileManager.default.currentDirectoryPath + "/" + path
        var kept: [String] = []
        for component in components(full) where component != "." {
            if component == ".." { _ = kept.popLast() } else { kept.append(component) }
        }
        return "/" + kept.joined(separator: "/")
    }

    /// The parts between slashes.
    ///
    /// Bytes are compared rather than characters: a slash and a combining mark after it are one `Character`.
    static func components(_ path: String) -> [String] {
        path.utf8.split(separator: slash).map { String(Substring($0)) }
    }

    /// The parts of the folder that all files lie in or below; none for no files.
    static func commonFolder(of paths: [String]) -> [String] {
        let folders = paths.map { components($0).dropLast() }
        return folders.dropFirst().reduce(folders.first ?? []) { common, folder in
            common.prefix(zip(common, folder).prefix { $0.utf8.elementsEqual($1.utf8) }.count)
        }.map(\.self)
    }

    /// The folder and the last component of a path.
    static func split(_ path: String) -> (folder: String, name: String) {
        var bytes = path.utf8[...]
        while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
        guard let last = bytes.lastIndex(of: slash) else { return (".", String(Substring(bytes))) }
        let name = String(Substring(bytes[bytes.index(after: last)...]))
        var folder = bytes[..<last]
        while folder.last == slash { folder.removeLast() }
        return (folder.isEmpty ? "/" : String(Substring(folder)), name)
    }

    static func join(_ folder: String, _ name: String) -> String {
        folder.utf8.last == slash ? folder + name : folder + "/" + name
    }

    /// The path without symbolic links, as far as it exists.
    static func resolved(_ path: String) -> String {
        if let buffer = realpath(path, nil) {
            defer { free(buffer) }
            return String(cString: buffer)
        }
        let (folder, name) = split(path)
        guard !name.isEmpty, name != ".", name != "..", folder != path else { return absolute(path) }
        return join(resolved(folder), name)
    }

    /// The path of the folder's entry itself: links among the folders are resolved, the last component is kept.
    static func resolvingFolder(_ path: String) -> String {
        let (folder, name) = split(path)
        guard !name.isEmpty, name != ".", name != ".." else { return resolved(path) }
        return join(resolved(folder), name)
    }

    /// A path that leads from a folder to a file, both absolute and without links among their folders.
    static func relative(_ path: String, to folder: String) -> String {
        let (target, start) = (components(path), components(folder))
        let shared = zip(target.dropLast(), start).prefix { $0.utf8.elementsEqual($1.utf8) }.count
        let steps = Array(repeating: "..", count: start.count - shared) + target.dropFirst(shared)
        return steps.isEmpty ? "." : steps.joined(separator: "/")
    }

    /// A text that is equal for paths that a file system may hold to be one: without regard to case and to the form of
    /// Unicode. Some paths that every file system tells apart have the same key too, such as those with `ß` and `ss`.
    static func key(_ path: String) -> String {
        if path.utf8.allSatisfy({ $0 < 0x80 }) { return path.lowercased() }
        return path.decomposedStringWithCanonicalMapping.uppercased().lowercased().decomposedStringWithCanonicalMapping
    }

    private static let slash = UInt8(ascii: "/")
}

/// The identity of a file on its disk, which hard links share.
struct FileNode: Hashable {
    enum Kind { case regular, folder, link, pipe, socket, device }

    let device: UInt64
    let number: UInt64
    let kind: Kind
    let linkCount: Int

    /// - Throws: `FileProblem` where nothing is at the path or it cannot be reached.
    init(at path: String, followingLinks: Bool = true) throws(FileProblem) {
        var info = stat()
        guard (followingLinks ? stat(path, &info) : lstat(path, &info)) == 0 else { throw FileProblem(code: errno) }
        device = UInt64(truncatingIfNeeded: info.st_dev)
        number = UInt64(truncatingIfNeeded: info.st_ino)
        linkCount = Int(info.st_nlink)
        kind =
            switch info.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .folder
            case S_IFLNK: .link
            case S_IFIFO: .pipe
            case S_IFSOCK: .socket
            default: .device
            }
    }

    static func == (a: FileNode, b: FileNode) -> Bool { a.device == b.device && a.number == b.number }

    func hash(into hasher: inout Hasher) {
        hasher.combine(device)
        hasher.combine(number)
    }
}

/// A set of files that no output may replace, however their paths are spelled.
struct ProtectedFiles {
    private var keys: Set<String> = []
    private var nodes: Set<FileNode> = []

    init(_ paths: [String]) {
        for path in paths {
            keys.insert(FilePath.key(FilePath.resolvingFolder(path)))
            guard let node = try? FileNode(at: path) else { continue }
            keys.insert(FilePath.key(FilePath.resolved(path)))
            nodes.insert(node)
        }
    }

    /// Whether writing to the path could change one of the files: by its name, through a link, or as a hard link.
    func contains(_ path: String) -> Bool {
        if keys.contains(FilePath.key(FilePath.resolvingFolder(path))) { return true }
        guard let node = try? FileNode(at: path) else { return false }
        return nodes.contains(node) || keys.contains(FilePath.key(FilePath.resolved(path)))
    }
}
