import Foundation

/// The names of the files that a run writes, told apart before the first of them is written.
///
/// Inputs of one folder keep their names: `in/img.jpg` becomes `img` and an ending. Where inputs lie in several folders,
/// their tree below the folder that all have in common is kept: `a/img.jpg` and `b/img.jpg` become `a/img` and `b/img`.
/// Inputs of a folder whose outputs would share a path keep their extension (`img.jpg.txt`, `img.png.txt`), and what is
/// still one name for some file system gets a number (`IMG.jpg` and `img.jpg`: `IMG.jpg.txt`, `img_2.jpg.txt`).
/// The names do not depend on the order of the inputs.
struct OutputNames {
    /// A folder that files are written into, and the files that it gets.
    struct Place {
        /// An absolute path.
        let folder: String
        /// The endings of the files for each input, such as `.txt` and `-mask.png`.
        var endings: [String] = []
        /// Files for all inputs together.
        var common: [String] = []
        /// The texts that may end the numbered files of an input, `<stem>-<number>-<text>.png`; `nil` where there are none.
        var parts: [String]?
    }

    /// For each input the path of its outputs without their ending, relative to each place.
    let stems: [String]
    /// For each input its own path below the folder that all have in common; no two are equal.
    let names: [String]

    /// - Parameter inputs: Absolute paths without `.` and `..`.
    init(inputs: [String], places: [Place]) {
        let files = Self.relativeFiles(inputs)
        let order = files.indices.sorted { inputs[$0].utf8.lexicographicallyPrecedes(inputs[$1].utf8) }
        names = Self.distinctNames(files, order: order)
        guard !places.isEmpty else {
            stems = files.map { $0.path($0.stem) }
            return
        }
        let paths = PlacedPaths(places)
        let fixed = paths.fixed(files)

        // Inputs that are in each other's way keep their extensions, all of them: neither has a better claim to the name.
        var claims = files.map { paths.claims($0.path($0.stem)) }
        var isFull = files.map { _ in false }
        while true {
            let moved = Self.conflicts(claims, fixed: fixed, isFull: isFull)
            if moved.isEmpty { break }
            for i in moved {
                isFull[i] = true
                claims[i] = paths.claims(files[i].path(files[i].name))
            }
        }

        // The rest get numbers, those last that are the only ones of their name.
        var taken = Claims(files: fixed)
        for i in files.indices where !isFull[i] { taken.add(claims[i]) }
        var stems = files.map { $0.path($0.stem) }
        var unnamed: [Int] = []
        for i in order where isFull[i] {
            if taken.allows(claims[i]) {
                taken.add(claims[i])
                stems[i] = files[i].path(files[i].name)
            } else {
                unnamed.append(i)
            }
        }
        var last: [String: Int] = [:]
        for i in unnamed {
            let key = FilePath.key(files[i].path(files[i].name))
            var number = last[key] ?? 1
            repeat {
                number += 1
                stems[i] = files[i].path(files[i].numbered(number))
                claims[i] = paths.claims(stems[i])
            } while !taken.allows(claims[i])
            taken.add(claims[i])
            last[key] = number
        }
        self.stems = stems
    }

    /// Inputs that have to leave their stems.
    private static func conflicts(_ claims: [PathClaims], fixed: Set<String>, isFull: [Bool]) -> Set<Int> {
        var owners: [String: [Int]] = [:]
        var partOwners: [String: [Int]] = [:]
        for (i, claim) in claims.enumerated() {
            for file in claim.files { owners[file, default: []].append(i) }
            for stem in claim.ownedParts { partOwners[stem, default: []].append(i) }
        }
        var moved: Set<Int> = []
        for (file, inputs) in owners where fixed.contains(file) || inputs.contains(where: { $0 != inputs[0] }) {
            moved.formUnion(inputs.filter { !isFull[$0] })
        }
        for (i, claim) in claims.enumerated() {
            for owner in claim.partsOfOthers.flatMap({ partOwners[$0] ?? [] }) where owner != i {
                if !isFull[owner] { moved.insert(owner) } else if !isFull[i] { moved.insert(i) }
            }
        }
        return moved
    }

    private static func relativeFiles(_ inputs: [String]) -> [RelativeFile] {
        let common = FilePath.commonFolder(of: inputs).count
        return inputs.map(FilePath.components).map {
            RelativeFile(folder: $0.dropLast().dropFirst(common), name: $0.last ?? "")
        }
    }

    /// The files' own names; two spellings of one path through links get numbers.
    private static func distinctNames(_ files: [RelativeFile], order: [Int]) -> [String] {
        var names = files.map { $0.path($0.name) }
        var taken: Set<[UInt8]> = []
        var repeated: [Int] = []
        for i in order where !taken.insert(Array(names[i].utf8)).inserted { repeated.append(i) }
        for i in repeated {
            var number = 2
            repeat {
                names[i] = files[i].path(files[i].numbered(number))
                number += 1
            } while !taken.insert(Array(names[i].utf8)).inserted
        }
        return names
    }
}

/// An input below the folder that all inputs have in common.
private struct RelativeFile {
    let folder: ArraySlice<String>
    let name: String
    let stem: String
    private let ending: String

    init(folder: ArraySlice<String>, name: String) {
        self.folder = folder
        self.name = name
        let stem = URL(filePath: "/" + name).deletingPathExtension().lastPathComponent
        let isPrefix = !stem.isEmpty && name.utf8.starts(with: stem.utf8)
        self.stem = isPrefix ? stem : name
        ending = isPrefix ? String(Substring(name.utf8.dropFirst(stem.utf8.count))) : ""
    }

    func path(_ name: String) -> String { (folder + [name]).joined(separator: "/") }

    /// The name with a number after an underscore: after a hyphen it could be the number of a part.
    func numbered(_ number: Int) -> String { "\(stem)_\(number)\(ending)" }
}

/// The paths that an input's outputs have, as `FilePath.key` writes them.
private struct PathClaims {
    var files: [String] = []
    /// Stems that stand before the numbers of its parts.
    var ownedParts: [String] = []
    /// Stems of other inputs whose parts its files could be.
    var partsOfOthers: [String] = []
}

/// Paths that are taken.
private struct Claims {
    var files: Set<String>
    private var ownedParts: Set<String> = []
    private var partsOfOthers: Set<String> = []

    init(files: Set<String>) {
        self.files = files
    }

    func allows(_ claims: PathClaims) -> Bool {
        files.isDisjoint(with: claims.files) && ownedParts.isDisjoint(with: claims.partsOfOthers)
            && partsOfOthers.isDisjoint(with: claims.ownedParts)
    }

    mutating func add(_ claims: PathClaims) {
        files.formUnion(claims.files)
        ownedParts.formUnion(claims.ownedParts)
        partsOfOthers.formUnion(claims.partsOfOthers)
    }
}

/// Makes the claims of stems in places.
private struct PlacedPaths {
    private let places: [(place: OutputNames.Place, key: String)]
    private let partTexts: Set<String>

    init(_ places: [OutputNames.Place]) {
        self.places = places.map { ($0, FilePath.key($0.folder == "/" ? "" : $0.folder)) }
        partTexts = Set(places.flatMap { $0.parts ?? [] }.map(FilePath.key))
    }

    func claims(_ stem: String) -> PathClaims {
        var claims = PathClaims()
        let stem = FilePath.key(stem)
        for (place, key) in places {
            let path = "\(key)/\(stem)"
            for ending in place.endings {
                claims.files.append(path + ending)
                if let part = NumberedPart(path + ending), partTexts.contains(part.text) {
                    claims.partsOfOthers.append(part.stem)
                }
            }
            if place.parts != nil {
                claims.ownedParts.append(path)
                claims.files.append(path + "-\0")  // no file, but no two inputs may have the same
            }
        }
        return claims
    }

    /// Paths that are not for the files of inputs: files of all together, and folders.
    func fixed(_ files: [RelativeFile]) -> Set<String> {
        var paths: Set<String> = []
        func addFolders(_ components: [String], below root: String) {
            var path = root
            for component in components {
                path += "/" + component
                paths.insert(path)
            }
        }
        let trees = Set(files.map { FilePath.key($0.folder.joined(separator: "/")) })
        for (place, key) in places {
            addFolders(FilePath.components(key), below: "")
            for tree in trees { addFolders(FilePath.components(tree), below: key) }
            for name in place.common { paths.insert("\(key)/\(FilePath.key(name))") }
        }
        return paths
    }
}

/// A path of the form `<stem>-<number>-<text>.png`.
struct NumberedPart {
    let stem: String
    let number: String
    let text: String

    init?(_ path: String) {
        let ending = ".png"
        guard path.utf8.count > ending.utf8.count, path.utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8) else {
            return nil
        }
        let hyphen = UInt8(ascii: "-")
        let rest = path.utf8.dropLast(ending.utf8.count)
        guard let last = rest.lastIndex(of: hyphen), let first = rest[..<last].lastIndex(of: hyphen) else { return nil }
        let digits = rest[rest.index(after: first)..<last]
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        stem = String(Substring(rest[..<first]))
        number = String(Substring(digits))
        text = String(Substring(rest[rest.index(after: last)...]))
    }
}
