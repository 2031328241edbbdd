import Foundation

/// Writes files whole or not at all.
enum OutputFile {
    /// Writes a file by way of a temporary one in the same folder, which is made where it is missing.
    /// - Parameters:
    ///   - overwrites: Whether a file that is there already is replaced.
    ///   - inputs: Files that are never replaced.
    /// - Throws: `FileProblem`; the file that was there before is then unchanged.
    static func write(
        _ bytes: some DataProtocol, to path: String, overwrites: Bool, sparing inputs: ProtectedFiles
    ) throws(FileProblem) {
        let (folder, _) = FilePath.split(path)
        try createFolder(folder)
        let name = ".silhouette-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36)).part"
        let temporary = FilePath.join(folder, name)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FileProblem(creating: errno) }
        var isMoved = false
        defer { if !isMoved { unlink(temporary) } }
        do {
            try write(bytes, to: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        guard close(descriptor) == 0 else { throw FileProblem(code: errno) }
        if inputs.contains(path) { throw FileProblem("It is an input, which is never overwritten.") }
        if !overwrites {
            guard try claim(path, for: temporary) else { return }
        }
        guard rename(temporary, path) == 0 else {
            let code = errno
            if !overwrites { unlink(path) }
            throw FileProblem(code: code)
        }
        isMoved = true
    }

    /// Gives a path to a complete temporary file where nothing is there yet.
    /// - Returns: Whether the temporary file still has to be moved to the path, which is then reserved for it.
    private static func claim(_ path: String, for temporary: String) throws(FileProblem) -> Bool {
        if link(temporary, path) == 0 { return false }
        if errno != EEXIST {
            // The file system may have no hard links.
            let reserved = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if reserved >= 0 {
                close(reserved)
                return true
            }
        }
        let code = errno
        let isFolder = code == EEXIST && (try? FileNode(at: path))?.kind == .folder
        throw FileProblem(code: isFolder ? EISDIR : code)
    }

    /// Writes to what is no regular file, such as a pipe or `/dev/stdout`, and to other paths like `write`.
    static func writeOrStream(
        _ bytes: some DataProtocol, to path: String, overwrites: Bool, sparing inputs: ProtectedFiles
    ) throws(FileProblem) {
        guard isStream(path) else {
            return try write(bytes, to: path, overwrites: overwrites, sparing: inputs)
        }
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileProblem(code: errno) }
        defer { close(descriptor) }
        try write(bytes, to: descriptor)
    }

    /// Whether bytes written to the path go to another program or a device.
    static func isStream(_ path: String) -> Bool {
        if ["/dev/stdout", "/dev/stderr"].contains(path) { return true }
        if ["/dev/fd/", "/proc/self/fd/"].contains(where: path.hasPrefix) { return true }
        let kind = (try? FileNode(at: path))?.kind
        return kind == .pipe || kind == .socket || kind == .device
    }

    /// Makes a folder and those that lead to it, where they are missing.
    static func createFolder(_ path: String) throws(FileProblem) {
        if let node = try? FileNode(at: path) {
            guard node.kind == .folder else { throw FileProblem("'\(path)' is not a folder.") }
            return
        }
        if mkdir(path, 0o777) == 0 { return }
        var code = errno
        let parent = FilePath.split(path).folder
        if code == ENOENT, parent != path, !path.isEmpty {
            try createFolder(parent)
            if mkdir(path, 0o777) == 0 { return }
            code = errno
        }
        // Another program may have been quicker.
        if code == EEXIST, (try? FileNode(at: path))?.kind == .folder { return }
        throw FileProblem("The folder '\(path)' cannot be made: \(FileProblem(creating: code))")
    }

    /// Makes a folder for outputs, and checks that files can be written into it.
    static func prepareFolder(_ path: String) throws(FileProblem) {
        try createFolder(path)
        guard access(path, W_OK | X_OK) == 0 else { throw FileProblem(code: errno) }
    }

    private static func write(_ bytes: some DataProtocol, to descriptor: Int32) throws(FileProblem) {
        for region in bytes.regions {
            let code = region.withUnsafeBytes { buffer -> Int32 in
                var rest = buffer[...]
                while !rest.isEmpty {
                    let count = UnsafeRawBufferPointer(rebasing: rest).withMemoryRebound(to: UInt8.self) {
                        systemWrite(descriptor, $0.baseAddress, $0.count)
                    }
                    if count < 0 {
                        if errno == EINTR { continue }
                        return errno
                    }
                    rest = rest.dropFirst(count)
                }
                return 0
            }
            if code != 0 { throw FileProblem(code: code) }
        }
    }
}

/// The system's `write`, whose name the methods of `OutputFile` hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
