import Foundation
import InstanceSegmentation

/// Reads files that a user names. Only regular files are read: a named pipe or a device could block the run forever.
enum RegularFile {
    /// Larger files are refused before they fill the memory.
    static let maximumSize = 2 << 30

    /// The bytes of a file; at least one.
    /// - Throws: `FileProblem` with the reason why there are none.
    static func contents(of path: String) throws(FileProblem) -> Data {
        try requireRegular(path)
        let data: Data
        do throws(OrdinaryFile.Failure) {
            data = try OrdinaryFile.read(path, limit: maximumSize)
        } catch {
            switch error {
            case .system(let code): throw FileProblem(code: code)
            case .notOrdinary: throw FileProblem("It is not a regular file.")
            case .tooLarge(let size): throw FileProblem("The file has \(size) bytes; the limit is \(maximumSize).")
            }
        }
        guard !data.isEmpty else { throw FileProblem("The file is empty.") }
        return data
    }

    /// Checks what is at a path, without opening it.
    /// - Throws: `FileProblem` where it is not a regular file.
    static func requireRegular(_ path: String) throws(FileProblem) {
        let kind: FileNode.Kind
        do {
            kind = try FileNode(at: path).kind
        } catch {
            if error.code == ENOENT, let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
                throw FileProblem("It is a symbolic link to '\(target)', which does not exist.")
            }
            throw error
        }
        switch kind {
        case .regular: return
        case .folder: throw FileProblem("It is a folder, not a file.")
        case .pipe: throw FileProblem("It is a named pipe, not a regular file.")
        case .socket: throw FileProblem("It is a socket, not a regular file.")
        case .device, .link: throw FileProblem("It is a device, not a regular file.")
        }
    }
}
