import AnnotationFormats
import ArgumentParser
import Foundation
import HostedAPI
import ImageCodecs
import Imaging
import InstanceSegmentation
import Logging
import Serving

struct PredictCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Finds the objects in image files.",
        discussion: """
            Prints a table, or with --json one object a line: the file and the fields that the server answers. An image \
            that cannot be read is named on standard error and the others are still done; the exit code is then 1.

            Output files are named after their images: img.jpg becomes img.txt with --export yolo. Images from several \
            folders keep their folders below the one that all have in common. Images of a folder whose outputs would \
            share a name keep their extensions: img.jpg.txt and img.png.txt. Inputs are never overwritten, and other \
            files only with --overwrite: without it the run is refused before it begins.
            """)

    @Argument(help: ArgumentHelp("Images, or folders of images.", valueName: "image"))
    var images: [String]

    @OptionGroup var models: ModelOptions

    @OptionGroup var backends: BackendOptions

    @OptionGroup var imageOptions: ImageOptions

    @Option(
        help: ArgumentHelp("The model as DATASET/VERSION; by default tabletop/1, or the only one.", valueName: "model"))
    var model: String?

    @Option(help: "Minimum confidence: percent, or a fraction below 1.")
    var confidence = environment("CONFIDENCE").flatMap { Double($0) } ?? 40

    @Option(help: "Maximum overlap of two boxes of a class: percent, or a fraction below 1.")
    var overlap = environment("OVERLAP").flatMap { Double($0) } ?? 30

    @Flag(help: "Give networks with dynamic input shape the full square instead of the smallest rectangle.")
    var square = false

    @Flag(help: "Decode every JPEG in full, even where a half or a quarter of its size serves the network.")
    var fullDecode = false

    @Flag(help: "Print one line of JSON for each image.")
    var json = false

    @Option(help: ArgumentHelp("Write the images with outlines and labels into this folder.", valueName: "dir"))
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

    @Flag(help: "Replace output files that exist already. Inputs are never replaced.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "Leave out points of outlines that are within this many pixels of a line; by default none.",
            valueName: "pixels"))
    var simplify: Double?

    @Option(
        help: ArgumentHelp(
            "Look at large images in overlapping tiles of this side, for small objects.", valueName: "pixels"))
    var tile: Int?

    @Option(help: "Share of a tile that it has in common with the next: percent, or a fraction below 1.")
    var tileOverlap = 0.2

    func validate() throws {
        if let tile, !(64...8192).contains(tile) { throw ValidationError("--tile must be from 64 to 8192.") }
        guard tileOverlap >= 0, Double(percentOrFraction: tileOverlap) < 0.9 else {
            throw ValidationError("--tile-overlap must be below 90 percent.")
        }
        if let simplify, !(0...1000).contains(simplify) { throw ValidationError("--simplify must be from 0 to 1000.") }
        try requireNumbers("CONFIDENCE", "OVERLAP")
        try requireSwitches("SQUARE", "FULL_DECODE", "OVERWRITE")
        for (name, value) in [("confidence", confidence), ("overlap", overlap)] {
            guard value.isFinite, (0...100).contains(value) else {
                throw ValidationError("--\(name) must be from 0 to 100.")
            }
        }
    }

    func run() async throws {
        let inputs = InputImages(images)
        for problem in inputs.problems { report(problem) }
        guard !inputs.files.isEmpty else { throw ExitCode(1) }
        let location = try models.location(model ?? environment("MODEL"))
        var logger = Logger(label: "silhouette")
        logger.logLevel = .warning
        let served = try await CommandService(
            location, backend: try backends.open(logger: logger), usesSquareInput: square || environmentFlag("SQUARE"),
            decodesInFull: fullDecode || environmentFlag("FULL_DECODE"), imageLimits: imageOptions.limits)
        let progress = ProgressBar(total: inputs.files.count, isShown: inputs.files.count > 3 && (json || save != nil))
        var writer = try writer(for: inputs.files, modelFiles: location.files, served: served) { message in
            progress.clear()
            report(message)
        }

        var failures = inputs.problems.count
        for (index, file) in inputs.files.enumerated() {
            do {
                let item = try await predict(file, with: served)
                let found = item.segmentation
                if found.nonFiniteCount > 0 {
                    progress.clear()
                    report(
                        "\(file): \(found.nonFiniteCount) objects were dropped, because numbers of theirs are infinite or NaN. "
                            + "Check the scale, mean and std of the model's settings.")
                }
                writer.write(
                    found, of: index, file: file, image: item.image, simplification: simplify
                ) { item.image.map { drawing(of: found, on: $0) } }
            } catch {
                failures += 1
                progress.clear()
                report("\(file): \(FileProblem.reason(of: error))")
            }
            progress.advance()
        }
        progress.clear()
        writer.finish()
        summarize(inputs, failures: failures, writer)
        if failures + writer.failures > 0 { throw ExitCode(1) }
    }

    /// Plans all outputs, and makes their folders.
    private func writer(
        for files: [String], modelFiles: [String], served: CommandService, report: @escaping (String) -> Void
    ) throws -> PredictionWriter {
        for folder in [save, exports.isEmpty ? nil : output].compactMap({ $0 }) {
            do {
                try OutputFile.prepareFolder(folder)
            } catch {
                throw Refusal(description: "Files cannot be written into '\(folder)': \(error)")
            }
        }
        let formats = ExportFormat.allCases.filter(exports.contains)
        let plan = OutputPlan(
            inputs: files, save: save, formats: formats, output: output,
            classNames: served.model.classNames)
        let kept = ProtectedFiles(save == nil && exports.isEmpty ? [] : files + modelFiles)
        let overwrites = overwrite || environmentFlag("OVERWRITE")
        try plan.requireFreePaths(overwriting: overwrites, sparing: kept)
        return PredictionWriter(
            plan: plan, formats: formats, classNames: served.model.classNames, overwrites: overwrites, inputs: kept,
            report: report)
    }

    private func predict(_ file: String, with served: CommandService) async throws -> PredictionOutcome.Item {
        let options = PredictionOptions(
            confidenceThreshold: Float(max(Double(percentOrFraction: confidence), 0.01)),
            iouThreshold: Double(percentOrFraction: overlap))
        let tiling = tile.map { Tiling(side: $0, overlap: Double(percentOrFraction: tileOverlap)) }
        let item = try await served.predict(
            try RegularFile.contents(of: file),
            SegmentationQuery(
                options: options, tiling: tiling, decodesInFull: save != nil || exports.contains(.cutout),
                simplification: simplify),
            pixels: save != nil || exports.contains(.cutout) ? .image : .none)
        let text =
            json
            ? String(
                decoding: PredictionResponse(item.segmentation, simplification: simplify).json(file: file),
                as: UTF8.self)
            : PredictionTable(file: file, segmentation: item.segmentation).text
        do { try printLine(text) } catch {
            throw FileProblem("The result cannot be written to standard output: \(FileProblem.reason(of: error))")
        }
        return item
    }

    private func drawing(of found: Segmentation, on image: RasterImage) -> RasterImage {
        let size = max(12, min(image.size.width, image.size.height) / 40)
        let line = max(1, size / 8)
        return image.annotated(
            with: found.detections,
            by: [
                MaskAnnotator(), PolygonAnnotator(lineWidth: line), BoxAnnotator(lineWidth: max(1, line / 2)),
                LabelAnnotator(height: size, margin: size / 4),
            ])
    }

    /// Says where the outputs are and how many images failed, where there is either.
    private func summarize(_ inputs: InputImages, failures: Int, _ writer: PredictionWriter) {
        let folders = [save, exports.isEmpty ? nil : output].compactMap { $0 }
        guard failures > 0 || !folders.isEmpty else { return }
        let total = inputs.files.count + inputs.problems.count
        var parts = ["\(total - failures) of \(total) \(total == 1 ? "image" : "images") done"]
        if failures > 0 { parts.append("\(failures) failed") }
        if !folders.isEmpty {
            let places = Set(folders).sorted().map { "'\($0)'" }.joined(separator: " and ")
            parts.append("\(writer.count) \(writer.count == 1 ? "file" : "files") written to \(places)")
        }
        if writer.failures > 0 { parts.append("\(writer.failures) could not be written") }
        report(parts.joined(separator: ", ") + ".")
    }
}

private func exportFormat(_ text: String) throws -> ExportFormat {
    guard let format = ExportFormat(rawValue: text) else {
        let all = ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("'\(text)' is not a format; expected one of \(all).")
    }
    return format
}

extension ModelLocation {
    /// The files of the model's folder.
    var files: [String] {
        let folder = file.deletingLastPathComponent().path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.map { FilePath.join(folder, $0) }.filter { (try? FileNode(at: $0))?.kind == .regular }
    }
}
