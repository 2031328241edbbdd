import Foundation

/// The reason why a file cannot be read or written, as a sentence.
struct FileProblem: Error, CustomStringConvertible {
    let description: String
    /// The system's error number, where it is the reason.
    let code: Int32?

    init(_ description: String) {
        self.description = description
        code = nil
    }

    init(code: Int32) {
        self.code = code
        description =
            switch code {
            case ENOENT: "The file does not exist."
            case EACCES, EPERM: "Permission denied."
            case EEXIST: "The file exists already."
            case EISDIR: "It is a folder."
            case ENOTDIR: "A part of its path is a file, not a folder."
            case ELOOP: "Its symbolic links lead in a circle."
            case ENOSPC, EDQUOT: "No space is left on the device."
            case EROFS: "The file system is read-only."
            case ENAMETOOLONG: "The name is too long."
            default: String(cString: strerror(code)) + "."
            }
    }

    /// The reason why a file or folder cannot be created.
    init(creating code: Int32) {
        self = code == ENOENT ? FileProblem("The file system has no place for it there.") : FileProblem(code: code)
    }

    /// The sentence for any error: without the domains and codes of Foundation's errors.
    static func reason(of error: any Error) -> String {
        (error as? CocoaError)?.localizedDescription ?? "\(error)"
    }
}

/// The reason why a run ends before it begins.
struct Refusal: Error, CustomStringConvertible {
    let description: String
}

/// Writes a line to standard error, after the name of the program.
func report(_ message: String) {
    try? FileHandle.standardError.write(contentsOf: Data("silhouette: \(message)\n".utf8))
}
