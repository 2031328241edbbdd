import Foundation

/// The permissions of the state folder and of the files in it, which only their owner needs.
enum StatePermissions {
    /// Warns of permissions for other users, and removes those of files that belong to the current user.
    /// - Parameters:
    ///   - folder: the state folder. Its permissions are not changed.
    ///   - files: the database and the files that belong to it; those that do not exist are skipped.
    ///   - warn: called once for the folder, and once for the database.
    static func check(folder: URL, files: [URL], warn: (String) -> Void) {
        if let (mode, _) = status(folder), mode & 0o077 != 0 {
            warn(
                "The state folder \(folder.path) is accessible to other users (mode \(octal(mode))). "
                    + "To restrict it, run: chmod 700 \(quoted(folder.path))")
        }
        var isReported = false
        for file in files {
            guard let (mode, owner) = status(file), mode & 0o077 != 0 else { continue }
            defer { isReported = true }
            let warn = isReported ? { _ in } : warn
            if owner == geteuid(), chmod(file.path, 0o600) == 0 {
                warn(
                    "The key database \(file.path) was accessible to other users (mode \(octal(mode))); it is now 0600."
                )
            } else {
                warn(
                    "The key database \(file.path) is accessible to other users (mode \(octal(mode))). "
                        + "To restrict it, run as its owner: chmod 600 \(quoted(file.path))")
            }
        }
    }

    private static func status(_ file: URL) -> (mode: UInt32, owner: uid_t)? {
        var status = stat()
        guard stat(file.path, &status) == 0 else { return nil }
        return (UInt32(status.st_mode) & 0o7777, status.st_uid)
    }

    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(4 - digits.count, 0)) + digits
    }

    /// A path as a word of a shell command.
    private static func quoted(_ path: String) -> String {
        "'" + path.replacing("'", with: #"'\''"#) + "'"
    }
}
