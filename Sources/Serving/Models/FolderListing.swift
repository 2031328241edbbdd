import Foundation

/// The names in a folder, as many as a bound allows.
struct FolderListing {
    /// Why a folder cannot be read.
    struct Failure: Error, CustomStringConvertible {
        /// The system's error number.
        let code: Int32

        /// Whether there is no such folder.
        var isMissing: Bool { [ENOENT, ENOTDIR].contains(code) }
        var description: String { String(cString: strerror(code)) }
    }

    /// In no particular order, without hidden names.
    private(set) var names: [String] = []
    /// Whether names are left out because there are too many.
    private(set) var isTruncated = false

    /// Reads a folder. Blocks the thread.
    init(_ path: String, limit: Int) throws(Failure) {
        guard let folder = opendir(path) else { throw Failure(code: errno) }
        defer { closedir(folder) }
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                guard errno == 0 else { throw Failure(code: errno) }
                return
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
                    String(cString: $0)
                }
            }
            guard !name.hasPrefix(".") else { continue }
            guard names.count < limit else {
                isTruncated = true
                return
            }
            names.append(name)
        }
    }
}
