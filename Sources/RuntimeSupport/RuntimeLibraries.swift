import Foundation

/// The locations of a runtime's shared library.
package enum RuntimeLibraries {
    /// Returns the files in the folders `lib` next to the program, above it and in the current folder; newest names
    /// first. A program in a build folder thereby finds the libraries of its checkout.
    /// - Parameters:
    ///   - subfolder: a folder in `lib`; empty for `lib` itself.
    ///   - isLibrary: whether a file name is that of the library.
    package static func candidates(in subfolder: String = "", where isLibrary: (String) -> Bool) -> [String] {
        var folders: [URL] = []
        if let program = Bundle.main.executableURL?.resolvingSymlinksInPath() {
            var folder = program.deletingLastPathComponent()
            folders = [folder]
            for _ in 0..<4 {
                folder.deleteLastPathComponent()
                folders.append(folder)
            }
        }
        folders.append(URL(filePath: FileManager.default.currentDirectoryPath))
        return folders.flatMap { folder -> [String] in
            let library = folder.appending(path: "lib").appending(path: subfolder)
            let names = (try? FileManager.default.contentsOfDirectory(atPath: library.path)) ?? []
            return names.filter(isLibrary).sorted(by: >).map { library.appending(path: $0).path }
        }
    }
}
