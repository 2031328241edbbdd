import ArgumentParser
import Foundation
import HTTPServer
import ImageCodecs
import Imaging
import InstanceSegmentation
import Logging
import Serving

struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a model's accuracy on annotated images, as COCO does.",
        discussion: """
            Classes are matched to categories by name. Images are decoded in full, boxes are not rounded, and at most 300 \
            objects of an image are considered. Annotations without a segmentation count for boxes only.

            An image that cannot be read is named on standard error and left out together with its true objects: the \
            accuracy is that of the other images, and the exit code is 1. Inputs are never overwritten, and other \
            files only with --overwrite.
            """)

    @OptionGroup var models: ModelOptions

    @OptionGroup var backends: BackendOptions

    @OptionGroup var imageOptions: ImageOptions

    @Option(
        help: ArgumentHelp("The model as DATASET/VERSION; by default tabletop/1, or the only one.", valueName: "model"))
    var model: String?

    @Option(help: ArgumentHelp("True objects in COCO's format.", valueName: "file"))
    var annotations: String

    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir"))
    var images: String

    @Option(help: "Minimum confidence, as a fraction.")
    var scoreThreshold = 0.001

    @Option(help: "Maximum overlap (IoU) of two boxes of a class, as a fraction.")
    var iou = 0.7

    @Flag(help: "Give networks with dynamic input shape the full square instead of the smallest rectangle.")
    var square = false

    @Flag(help: "Print one line of JSON, with fractions.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Draw the curves of precision over recall at IoU 0.5 into this PNG, JPEG or WebP file.", valueName: "file"))
    var plot: String?

    @Option(help: ArgumentHelp("Write the detections into this file, in COCO's format of results.", valueName: "file"))
    var saveDetections: String?

    @Flag(help: "Replace the files of --plot and --save-detections where they exist already.")
    var overwrite = false

    private var overwrites: Bool { overwrite || environmentFlag("OVERWRITE") }

    func validate() throws {
        try requireSwitches("SQUARE", "OVERWRITE")
        if let plot, PrecisionRecallPlot.format(of: plot) == nil {
            throw ValidationError("--plot takes a file that ends in .png, .jpg or .webp; '\(plot)' does not.")
        }
        for (name, value) in [("score-threshold", scoreThreshold), ("iou", iou)] {
            guard (0...1).contains(value) else { throw ValidationError("--\(name) must be from 0 to 1.") }
        }
    }

    func run() async throws {
        try requireInput(annotations, named: "--annotations", kind: .regular)
        try requireInput(images, named: "--images", kind: .folder)
        let truth = try COCOAnnotations(contentsOf: URL(filePath: annotations))
        for note in truth.notes { report("\(annotations): \(note)") }
        let location = try models.location(model ?? environment("MODEL"))
        let kept = ProtectedFiles([annotations] + location.files + truth.images.map { path(of: $0) })
        try requireFreePaths(sparing: kept)
        var logger = Logger(label: "silhouette")
        logger.logLevel = .error
        let service = try await CommandService(
            location, backend: try backends.open(logger: logger), usesSquareInput: square || environmentFlag("SQUARE"),
            decodesInFull: true,
            imageLimits: imageOptions.limits)
        let categories = truth.categoriesByName
        guard service.model.classNames.contains(where: { categories[$0] != nil }) else {
            throw ValidationError("No class of \(location.id) has the name of a category in \(annotations).")
        }

        var candidates: [AveragePrecision.Candidate] = []
        var atDefault = DefaultThresholdCount()
        var unread: Set<Int> = []
        var sizes = AnnotatedSizes()
        let objects = truth.objectsByImage
        let progress = ProgressBar(total: truth.images.count, isShown: true)
        for image in truth.images {
            do {
                let found = try await segmentation(ofFile: path(of: image), by: service)
                for detection in found.detections {
                    guard let category = categories[detection.className] else { continue }
                    candidates.append(
                        AveragePrecision.Candidate(
                            imageID: image.id, categoryID: category, confidence: Double(detection.confidence),
                            box: detection.box, mask: detection.mask))
                }
                sizes.add(image, actual: found.imageSize)
                atDefault.add(
                    found.alternatives[0].compactMap { found in categories[found.className].map { ($0, found.box) } },
                    objects: objects[image.id] ?? [])
            } catch {
                unread.insert(image.id)
                progress.clear()
                report("\(path(of: image)): \(FileProblem.reason(of: error))")
            }
            progress.advance()
        }
        progress.clear()
        guard truth.images.isEmpty || unread.count < truth.images.count else {
            report("None of the \(truth.images.count) images could be read.")
            throw ExitCode(1)
        }

        let read = truth.withoutImages(unread)
        let results = EvaluationReport(
            model: location.id, images: read.images.count,
            mask: AveragePrecision(candidates, against: read, shape: .mask),
            box: AveragePrecision(candidates, against: read, shape: .box), atDefault: atDefault,
            categories: read.categories)
        var isComplete = unread.isEmpty
        func write(_ path: String, _ bytes: () throws -> Data) {
            do {
                try OutputFile.writeOrStream(bytes(), to: path, overwrites: overwrites, sparing: kept)
            } catch {
                isComplete = false
                report("\(path): \(FileProblem.reason(of: error))")
            }
        }
        if let saveDetections {
            write(saveDetections) { try JSONEncoder().encode(candidates.map { COCOResult($0, of: truth) }) }
        }
        if let plot, let format = PrecisionRecallPlot.format(of: plot) {
            write(plot) { Data(try PrecisionRecallPlot(results).image.encoded(as: format)) }
        }
        print(json ? try results.json() : results.table())
        if !unread.isEmpty {
            report(
                "\(unread.count) of \(truth.images.count) images could not be read; they and their objects are left "
                    + "out of the accuracy.")
        }
        if let warning = sizes.warning { report(warning) }
        if !isComplete { throw ExitCode(1) }
    }

    private func path(of image: COCOAnnotations.Image) -> String {
        URL(filePath: images).appending(path: image.fileName).path
    }

    /// Runs the network once and decodes its outputs twice: for the curve, and as the server would answer, which is the alternative.
    private func segmentation(ofFile path: String, by service: CommandService) async throws -> Segmentation {
        try await service.predict(
            RegularFile.contents(of: path),
            SegmentationQuery(
                options: PredictionOptions(confidenceThreshold: Float(scoreThreshold), iouThreshold: iou),
                alternatives: [PredictionOptions()], tracesOutlines: false)
        ).segmentation
    }

    private func requireInput(_ path: String, named option: String, kind: FileNode.Kind) throws {
        do {
            let isFolder = try FileNode(at: path).kind == .folder
            if isFolder != (kind == .folder) {
                throw FileProblem(isFolder ? "It is a folder, not a file." : "It is not a folder.")
            }
            guard access(path, kind == .folder ? R_OK | X_OK : R_OK) == 0 else { throw FileProblem(code: errno) }
        } catch {
            let isMissing = kind == .folder && (error as? FileProblem)?.code == ENOENT
            throw Refusal(
                description: "\(option) '\(path)': \(isMissing ? "The folder does not exist." : "\(error)")")
        }
    }

    /// Ends the run before it begins where it would replace a file that it reads, or one that exists already.
    private func requireFreePaths(sparing kept: ProtectedFiles) throws {
        let outputs = [("--plot", plot), ("--save-detections", saveDetections)]
            .compactMap { option, path in path.map { (option: option, path: $0) } }
            .filter { !OutputFile.isStream($0.path) }
        for (option, path) in outputs {
            let folder = FilePath.split(path).folder
            guard (try? FileNode(at: folder))?.kind == .folder else {
                throw Refusal(description: "\(option) '\(path)': There is no folder '\(folder)'.")
            }
            guard !kept.contains(path) else {
                throw Refusal(
                    description: "\(option) '\(path)' would replace a file that this run reads. Those are never "
                        + "overwritten.")
            }
            guard let kind = try? FileNode(at: path, followingLinks: false).kind else { continue }
            guard kind != .folder else { throw Refusal(description: "\(option) '\(path)': It is a folder.") }
            guard overwrites else {
                throw Refusal(
                    description: "\(option) '\(path)' exists already. Replace it with --overwrite, or name another "
                        + "file.")
            }
        }
        let keys = outputs.map { FilePath.key(FilePath.resolvingFolder($0.path)) }
        guard Set(keys).count == keys.count else {
            throw Refusal(description: "--plot and --save-detections both name '\(outputs[0].path)'.")
        }
    }
}

/// A detection as COCO's tools read it.
private struct COCOResult: Encodable {
    struct Runs: Encodable {
        let size: [Int]
        let counts: String
    }
    let image_id: COCOIdentifier?
    let category_id: COCOIdentifier?
    let score: Double
    let bbox: [Double]
    let segmentation: Runs

    init(_ candidate: AveragePrecision.Candidate, of truth: COCOAnnotations) {
        let runs = RunLengthEncoding(candidate.mask)
        let box = candidate.box
        image_id = truth.imageIdentifiers[candidate.imageID]
        category_id = truth.categoryIdentifiers[candidate.categoryID]
        score = candidate.confidence
        bbox = [box.x1, box.y1, box.width, box.height]
        segmentation = Runs(size: [runs.size.height, runs.size.width], counts: runs.compressedCounts)
    }
}
