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
    try? FileHandle.standardError.write(contentsOf: Data("silhouette: \(message.printable)\n".utf8))
}

extension String {
    /// The text on one line, with escapes in place of control characters: a file's name may hold any character, also those that move
    /// the cursor of a terminal.
    var printable: String {
        guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.properties.generalCategory == .control:
                result += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
