package import Foundation

/// Reads ordinary files of limited size only, so that a pipe, a device or an enormous file cannot block the process or fill its memory.
package enum OrdinaryFile {
    /// The reason why a path cannot be read as a file, as a clause that follows its name; `nil` if it can be read, or
    /// if there is nothing.
    package static func problem(at path: String) -> String? {
        var info = stat()
        if stat(path, &info) == 0 {
            if let kind = kind(info.st_mode) { return "is \(kind); expected an ordinary file" }
            return access(path, R_OK) == 0 ? nil : "cannot be read: \(String(cString: strerror(errno)))"
        }
        let code = errno
        if code == ENOENT, lstat(path, &info) == 0 { return "is a link to a file that does not exist" }
        return [ENOENT, ENOTDIR].contains(code) ? nil : "cannot be read: \(String(cString: strerror(code)))"
    }

    /// The size of a file in bytes; 0 if it does not exist.
    package static func size(at path: String) -> Int {
        var info = stat()
        return stat(path, &info) == 0 ? Int(clamping: info.st_size) : 0
    }

    /// The contents of a file next to a model; `nil` if it does not exist.
    /// - Parameter limit: the largest size in bytes.
    /// - Throws: `SegmentationError.invalidConfiguration`, which names the file without its folder.
    package static func contents(of file: URL, limit: Int = ModelLimits.fileSize) throws -> Data? {
        func refusal(_ reason: String) -> SegmentationError {
            .invalidConfiguration("\(file.lastPathComponent.excerpt()) \(reason).")
        }
        if let problem = problem(at: file.path) { throw refusal(problem) }
        do throws(Failure) {
            return try read(file.path, limit: limit)
        } catch {
            switch error {
            case .system(ENOENT), .system(ENOTDIR): return nil
            case .system(let code): throw refusal("cannot be read: \(String(cString: strerror(code)))")
            case .notOrdinary: throw refusal("is not an ordinary file")
            case .tooLarge(let size):
                throw refusal("is too large: it has \(size) bytes; at most \(limit) are accepted")
            }
        }
    }

    /// The reason why a file was not read.
    package enum Failure: Error {
        /// The system's error number.
        case system(Int32)
        case notOrdinary
        /// The size found, in bytes.
        case tooLarge(Int)
    }

    /// Reads a file of limited size. Neither what is in its place nor what is put there meanwhile can block the thread.
    package static func read(_ path: String, limit: Int) throws(Failure) -> Data {
        let file = try OpenedFile(path, limit: limit)
        var contents = Data(capacity: file.size)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer, at: contents.count)
            if count == 0 { return contents }
            contents.append(contentsOf: buffer[..<count])
            guard contents.count <= limit else { throw .tooLarge(contents.count) }
        }
    }

    /// The size of an open file, which must be an ordinary one.
    static func size(of descriptor: Int32, limit: Int) throws(Failure) -> Int {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw .system(errno) }
        guard kind(info.st_mode) == nil else { throw .notOrdinary }
        let size = Int(clamping: info.st_size)
        guard size <= limit else { throw .tooLarge(size) }
        return max(size, 0)
    }

    /// What a mode stands for; `nil` for an ordinary file.
    private static func kind(_ mode: mode_t) -> String? {
        switch mode & S_IFMT {
        case S_IFREG: nil
        case S_IFDIR: "a folder"
        case S_IFIFO: "a named pipe"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}
