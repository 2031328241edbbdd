import ArgumentParser
import Foundation
import Imaging
import InferenceServer
import InstanceSegmentation
import Logging

struct PredictCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Finds the objects in picture files.",
        discussion: """
            Prints a table, or with --json one object a line: the file and the fields that the server answers. Ends with \
            1 where a file could not be read; the others are still done.
            """)

    @Argument(help: ArgumentHelp("Pictures, or folders of pictures.", valueName: "image"))
    var images: [String]

    @OptionGroup var models: ModelOptions

    @OptionGroup var backends: BackendOptions

    @Option(
        help: ArgumentHelp("The model as DATASET/VERSION; by default tabletop/1, or the only one.", valueName: "model"))
    var model: String?

    @Option(help: "Least confidence: per cent, or a fraction below 1.")
    var confidence = environment("CONFIDENCE").flatMap { Double($0) } ?? 40

    @Option(help: "Most overlap of two boxes of a class: per cent, or a fraction below 1.")
    var overlap = environment("OVERLAP").flatMap { Double($0) } ?? 30

    @Flag(help: "Give networks of free shape the full square instead of the smallest rectangle.")
    var square = environmentFlag("SQUARE")

    @Flag(help: "Decode every JPEG in full, even where a half or a quarter of its size serves the network.")
    var fullDecode = environmentFlag("FULL_DECODE")

    @Flag(help: "Print one line of JSON a picture.")
    var json = false

    @Option(help: ArgumentHelp("Write the pictures with outlines and labels into this folder.", valueName: "dir"))
    var save: String?

    @Option(
        name: .customLong("export"),
        help: ArgumentHelp(
            "Write a file of another tool into --output: \(ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")). Repeatable.",
            valueName: "format"),
        transform: exportFormat)
    var exports: [ExportFormat] = []

    @Option(help: ArgumentHelp("Folder for --export.", valueName: "dir"))
    var output = "."

    @Option(
        help: ArgumentHelp(
            "Leave out points of outlines that are within this many pixels of a line; by default none.",
            valueName: "pixels"))
    var simplify: Double?

    @Option(
        help: ArgumentHelp(
            "Look at large pictures in overlapping tiles of this side, for small objects.", valueName: "pixels"))
    var tile: Int?

    @Option(help: "Share of a tile that it has in common with the next: per cent, or a fraction below 1.")
    var tileOverlap = 0.2

    func validate() throws {
        if let tile, !(64...8192).contains(tile) { throw ValidationError("--tile must be from 64 to 8192.") }
        guard tileOverlap >= 0, fraction(percentOrFraction: tileOverlap) < 0.9 else {
            throw ValidationError("--tile-overlap must be below 90 per cent.")
        }
        if let simplify, !(0...1000).contains(simplify) { throw ValidationError("--simplify must be from 0 to 1000.") }
        try requireNumbers("CONFIDENCE", "OVERLAP")
        for (name, value) in [("confidence", confidence), ("overlap", overlap)] {
            guard value.isFinite, (0...100).contains(value) else {
                throw ValidationError("--\(name) must be from 0 to 100.")
            }
        }
    }

    func run() async throws {
        let files = try PictureFiles.find(images)
        let location = try models.location(model ?? environment("MODEL"))
        var logger = Logger(label: "silhouette")
        logger.logLevel = .warning
        let lanes = try await backends.open(logger: logger).open(modelAt: location.file.path, lanes: 1)
        let served = ServedModel(
            id: location.id,
            segmenter: try Segmenter(session: lanes[0], settings: try location.settings(), usesSquareInput: square),
            decodesInFull: fullDecode || save != nil || tile != nil || exports.contains(.cutout))
        if !exports.isEmpty {
            try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        }
        if let save { try FileManager.default.createDirectory(atPath: save, withIntermediateDirectories: true) }

        let progress = ProgressBar(total: files.count, isShown: files.count > 3 && (json || save != nil))
        var failures = 0
        var exported: [ExportedPicture] = []
        for file in files {
            do {
                let picture = try await predict(file, with: served)
                try export(picture)
                if exports.contains(where: \.holdsManyPictures) { exported.append(picture.withoutPixels) }
            } catch let error as ImageCodecError {
                failures += 1
                progress.clear()
                FileHandle.standardError.write(Data("silhouette: \(file): \(error)\n".utf8))
            }
            progress.advance()
        }
        progress.clear()
        for format in Set(exports) where format.holdsManyPictures {
            let name = "\(format.rawValue).\(format.fileExtension)"
            try Data(format.file(for: exported)).write(to: URL(filePath: output).appending(path: name))
        }
        if exports.contains(.yolo) {
            let names = served.segmenter.model.classNames.joined(separator: "\n") + "\n"
            try Data(names.utf8).write(to: URL(filePath: output).appending(path: "classes.txt"))
        }
        if failures > 0 { throw ExitCode(1) }
    }

    /// Writes the files that there are for each picture.
    private func export(_ picture: ExportedPicture) throws {
        let stem = URL(filePath: picture.file).deletingPathExtension().lastPathComponent
        func write(_ file: [UInt8], _ name: String) throws {
            try Data(file).write(to: URL(filePath: output).appending(path: name))
        }
        for format in Set(exports) where !format.holdsManyPictures {
            if format == .cutout {
                for (index, part) in try picture.cutouts().enumerated() {
                    try write(
                        part.file, "\(stem)-\(index + 1)-\(part.className.filter { $0.isLetter || $0.isNumber }).png")
                }
            } else {
                let ending = format == .mask ? "-mask.png" : ".\(format.fileExtension)"
                try write(try format.file(for: picture), stem + ending)
            }
        }
    }

    private func predict(_ file: String, with served: ServedModel) async throws -> ExportedPicture {
        let bytes = try Data(contentsOf: URL(filePath: file))
        let start = ContinuousClock.now
        let image = try bytes.withUnsafeBytes { try served.decode($0) }
        let decoded = ContinuousClock.now
        let options = PredictionOptions(
            confidence: Float(max(fraction(percentOrFraction: confidence), 0.01)),
            overlap: fraction(percentOrFraction: overlap))
        var found: Segmentation
        if let tile {
            let tiling = Tiling(side: tile, overlap: fraction(percentOrFraction: tileOverlap))
            found = try await served.segmenter.segment(image, options: options, tiling: tiling)
        } else {
            found = try await served.segmenter.segment(image, options: options)
        }
        found.timing.decode = decoded - start
        if json {
            FileHandle.standardOutput.write(
                Data(PredictionResponse(found, simplification: simplify).json(file: file) + [10]))
        } else {
            print(PredictionTable(file: file, segmentation: found).text)
        }
        if let save {
            let size = max(12, min(image.size.width, image.size.height) / 40)
            let line = max(1, size / 8)
            let picture = image.annotated(
                with: found.detections,
                by: [
                    MaskAnnotator(), PolygonAnnotator(lineWidth: line), BoxAnnotator(lineWidth: max(1, line / 2)),
                    LabelAnnotator(height: size, margin: size / 4),
                ])
            let name = URL(filePath: file).deletingPathExtension().lastPathComponent + ".jpg"
            try Data(picture.encoded(as: .jpeg)).write(to: URL(filePath: save).appending(path: name))
        }
        return ExportedPicture(
            file: URL(filePath: file).lastPathComponent, segmentation: found,
            classNames: served.segmenter.model.classNames, picture: exports.contains(.cutout) ? image : nil,
            simplification: simplify)
    }
}

private func exportFormat(_ text: String) throws -> ExportFormat {
    guard let format = ExportFormat(rawValue: text) else {
        let all = ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("'\(text)' is no format; expected one of \(all).")
    }
    return format
}

extension ExportedPicture {
    /// What a file of many pictures needs, without the pixels of each.
    fileprivate var withoutPixels: ExportedPicture {
        ExportedPicture(
            file: file, segmentation: segmentation, classNames: classNames, simplification: simplification)
    }
}

/// The pictures among files and folders.
enum PictureFiles {
    /// Files as they are named; of folders the pictures directly in them, by name.
    static func find(_ paths: [String]) throws -> [String] {
        let extensions = Set(ImageFormat.allCases.flatMap(\.fileExtensions))
        return try paths.flatMap { path -> [String] in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw ValidationError("There is no file '\(path)'.")
            }
            guard isFolder.boolValue else { return [path] }
            let found = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
                .filter { extensions.contains(URL(filePath: $0).pathExtension.lowercased()) }
                .map { path.hasSuffix("/") ? path + $0 : "\(path)/\($0)" }
            if found.isEmpty { throw ValidationError("The folder '\(path)' has no pictures in it.") }
            return found
        }
    }
}
