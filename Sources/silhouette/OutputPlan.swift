import AnnotationFormats
import Foundation
import HTTPServer

/// Where the outputs of `predict` go, and whether they may go there.
struct OutputPlan {
    /// A folder as the user spelled it, and where it is.
    private struct Folder {
        let path: String
        let place: OutputNames.Place
    }

    private let names: OutputNames
    private let saved: Folder?
    private let exported: Folder?
    private let formats: [ExportFormat]
    /// Absolute paths without links among their folders.
    private let inputs: [String]

    /// - Parameters:
    ///   - inputs: Paths of the images.
    ///   - save: An existing folder for images with outlines.
    ///   - output: An existing folder for the files of other tools.
    ///   - classNames: The names that cut-outs may have.
    init(inputs: [String], save: String?, formats: [ExportFormat], output: String, classNames: [String]) {
        self.formats = formats
        self.inputs = inputs.map(FilePath.resolvingFolder)
        saved = save.map {
            Folder(path: $0, place: OutputNames.Place(folder: FilePath.resolved($0), endings: [Self.savedEnding]))
        }
        if formats.isEmpty {
            exported = nil
        } else {
            var place = OutputNames.Place(folder: FilePath.resolved(output))
            place.endings = formats.compactMap(Self.ending)
            place.common = formats.filter(\.holdsManyImages).map(Self.commonName)
            if formats.contains(.yolo) { place.common += [Self.classList, Self.dataset] }
            if formats.contains(.cutout) { place.parts = classNames.map(Self.partText) }
            exported = Folder(path: output, place: place)
        }
        names = OutputNames(
            inputs: inputs.map(FilePath.absolute), places: [saved, exported].compactMap { $0?.place })
    }

    /// What formats of many images call an input: its path below the folder that all inputs have in common.
    func name(of input: Int) -> String { names.names[input] }

    /// The path of the image with outlines.
    func savedImage(of input: Int) -> String? {
        saved.map { FilePath.join($0.path, names.stems[input] + Self.savedEnding) }
    }

    /// The path of a format's file for one image.
    func file(_ format: ExportFormat, of input: Int) -> String? {
        guard let exported, let ending = Self.ending(of: format) else { return nil }
        return FilePath.join(exported.path, names.stems[input] + ending)
    }

    /// The path of an object's cut-out, counted from 1.
    func cutout(_ number: Int, className: String, of input: Int) -> String? {
        exported.map { FilePath.join($0.path, "\(names.stems[input])-\(number)-\(Self.partText(className)).png") }
    }

    /// The path of a format's file for all images.
    func file(_ format: ExportFormat) -> String? {
        exported.map { FilePath.join($0.path, Self.commonName(of: format)) }
    }

    /// The path of an input from the folder of a format's file for it.
    func relativePath(_ format: ExportFormat, of input: Int) -> String? {
        guard let exported, let ending = Self.ending(of: format) else { return nil }
        let folder = FilePath.split(FilePath.join(exported.place.folder, names.stems[input] + ending)).folder
        return FilePath.relative(inputs[input], to: FilePath.resolved(folder))
    }

    /// The path of the description of a YOLO dataset.
    var dataset: String? { exported.map { FilePath.join($0.path, Self.dataset) } }

    /// The folder that all inputs have in common, from that of the description of a YOLO dataset.
    var relativeInputFolder: String {
        guard let exported else { return "." }
        let common = FilePath.commonFolder(of: inputs)
        let path = FilePath.relative("/" + (common + ["image"]).joined(separator: "/"), to: exported.place.folder)
        return FilePath.split(path).folder
    }

    /// The path of the list of classes that belongs to YOLO's files.
    var classList: String? { exported.map { FilePath.join($0.path, Self.classList) } }

    /// Ends the run before it begins where it would replace what it must not.
    /// - Throws: `Refusal`.
    func requireFreePaths(overwriting: Bool, sparing inputs: ProtectedFiles) throws(Refusal) {
        var existing: [String] = []
        var replaced: [String] = []
        var entries: [String: String] = [:]
        var folders: [String: String] = [:]
        for output in plannedFiles + existingCutouts() {
            let (folder, name) = FilePath.split(output)
            let resolved = folders[folder] ?? FilePath.resolved(folder)
            folders[folder] = resolved
            let entry = FilePath.join(resolved, name)
            if let other = entries.updateValue(output, forKey: FilePath.key(entry)), other != output {
                throw Refusal(
                    description: "'\(other)' and '\(output)' are one file, because a folder on the way is a link. "
                        + "Choose another folder.")
            }
            if inputs.contains(entry) {
                replaced.append(output)
            } else if let kind = try? FileNode(at: output, followingLinks: false).kind, kind != .folder {
                existing.append(output)
            }
        }
        if let first = replaced.first {
            let others = replaced.count > 1 ? " and \(replaced.count - 1) more" : ""
            throw Refusal(
                description: "The output '\(first)'\(others) would replace an input or a file of the model. "
                    + "Those are never overwritten. Choose another folder with --save or --output.")
        }
        if let first = existing.first, !overwriting {
            let found =
                existing.count > 1
                ? "\(existing.count) output files exist already; the first is '\(first)'."
                : "The output file '\(first)' exists already."
            throw Refusal(
                description: "\(found) Replace what exists with --overwrite, or choose another folder.")
        }
    }

    /// Every path whose name is known before the objects are.
    private var plannedFiles: [String] {
        var paths = exported.map { folder in folder.place.common.map { FilePath.join(folder.path, $0) } } ?? []
        for folder in [saved, exported].compactMap({ $0 }) {
            for stem in names.stems {
                paths += folder.place.endings.map { FilePath.join(folder.path, stem + $0) }
            }
        }
        return paths
    }

    /// Files that cut-outs of the inputs may replace.
    private func existingCutouts() -> [String] {
        guard let exported, let parts = exported.place.parts else { return [] }
        let texts = Set(parts.map(FilePath.key))
        var listed: [String: [String: [NumberedPart]]] = [:]  // by folder and key of the stem
        return names.stems.flatMap { stem in
            let path = FilePath.join(exported.path, stem)
            let (folder, name) = FilePath.split(path)
            let entries =
                listed[folder]
                ?? {
                    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                    let cutouts = names.compactMap { NumberedPart($0) }.filter { texts.contains(FilePath.key($0.text)) }
                    return Dictionary(grouping: cutouts) { FilePath.key($0.stem) }
                }()
            listed[folder] = entries
            return entries[FilePath.key(name), default: []].map { "\(path)-\($0.number)-\($0.text).png" }
        }
    }

    private static let savedEnding = ".jpg"
    private static let classList = "classes.txt"
    private static let dataset = "data.yaml"
    /// Most bytes of a class in the name of a file, of which file systems allow 255 in all.
    private static let maxPartLength = 80

    /// The suffix of a format's file for each image; `nil` if the format has no such file or its name depends on the objects.
    private static func ending(of format: ExportFormat) -> String? {
        switch format {
        case .coco, .cvat, .cutout: nil
        case .mask: "-mask.png"
        case .yolo, .geojson, .labelme: ".\(format.fileExtension)"
        }
    }

    private static func commonName(of format: ExportFormat) -> String { "\(format.rawValue).\(format.fileExtension)" }

    /// A class as part of a file's name.
    private static func partText(_ className: String) -> String {
        var text = ""
        for character in className where character.isLetter || character.isNumber {
            guard text.utf8.count + character.utf8.count <= maxPartLength else { break }
            text.append(character)
        }
        return text
    }
}
