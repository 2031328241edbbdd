import ArgumentParser
import Foundation
import Imaging
import InferenceServer
import InstanceSegmentation
import Logging

struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a model's accuracy on annotated pictures, as COCO does.",
        discussion: """
            Classes are matched to categories by name. Pictures are decoded in full, boxes are not rounded, and at most 300 \
            objects of a picture are looked at. Annotations without a segmentation count for boxes only.
            """)

    @OptionGroup var models: ModelOptions

    @OptionGroup var backends: BackendOptions

    @Option(
        help: ArgumentHelp("The model as DATASET/VERSION; by default tabletop/1, or the only one.", valueName: "model"))
    var model: String?

    @Option(help: ArgumentHelp("True objects in COCO's format.", valueName: "file"))
    var annotations: String

    @Option(help: ArgumentHelp("Folder of the pictures.", valueName: "dir"))
    var images: String

    @Option(help: "Least confidence, as a fraction.")
    var scoreThreshold = 0.001

    @Option(help: "Most overlap (IoU) of two boxes of a class, as a fraction.")
    var iou = 0.7

    @Flag(help: "Give networks of free shape the full square instead of the smallest rectangle.")
    var square = false

    @Flag(help: "Print one line of JSON, with fractions.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Draw the curves of precision over recall at IoU 0.5 into this PNG, JPEG or WebP file.", valueName: "file"))
    var plot: String?

    @Option(help: ArgumentHelp("Write the detections into this file, in COCO's format of results.", valueName: "file"))
    var saveDetections: String?

    func validate() throws {
        if let plot, PrecisionRecallPlot.format(of: plot) == nil {
            throw ValidationError("--plot takes a file that ends in .png, .jpg or .webp; '\(plot)' does not.")
        }
        for (name, value) in [("score-threshold", scoreThreshold), ("iou", iou)] {
            guard (0...1).contains(value) else { throw ValidationError("--\(name) must be from 0 to 1.") }
        }
    }

    func run() async throws {
        let truth = try COCOAnnotations(contentsOf: URL(filePath: annotations))
        let location = try models.location(model ?? environment("MODEL"))
        var logger = Logger(label: "silhouette")
        logger.logLevel = .error
        let lane = try await backends.open(logger: logger).open(modelAt: location.file.path, lanes: 1)[0]
        let segmenter = try Segmenter(session: lane, settings: try location.settings(), usesSquareInput: square)
        let categories = Dictionary(truth.categories.map { ($0.value, $0.key) }) { first, _ in first }
        guard segmenter.model.classNames.contains(where: { categories[$0] != nil }) else {
            throw ValidationError("No class of \(location.id) has the name of a category in \(annotations).")
        }

        var candidates: [AveragePrecision.Candidate] = []
        var atDefault = DefaultThresholdCount()
        let progress = ProgressBar(total: truth.pictures.count, isShown: true)
        for picture in truth.pictures {
            let file = URL(filePath: images).appending(path: picture.fileName)
            let image = try Image(decoding: [UInt8](Data(contentsOf: file)))
            // One run of the network, decoded twice: for the curve, and as the server would answer.
            let input = try segmenter.model.preprocess(image)
            let outputs = try await segmenter.session.infer(input.tensors)
            let found = try segmenter.model.postprocess(
                outputs, transform: input.transform,
                options: PredictionOptions(confidence: Float(scoreThreshold), overlap: iou))
            for detection in found {
                guard let category = categories[detection.className] else { continue }
                candidates.append(
                    AveragePrecision.Candidate(
                        pictureID: picture.id, categoryID: category, confidence: Double(detection.confidence),
                        box: detection.box, mask: detection.mask))
            }
            let served = try segmenter.model.postprocess(
                outputs, transform: input.transform, options: PredictionOptions())
            atDefault.add(
                served.compactMap { found in categories[found.className].map { ($0, found.box) } },
                objects: truth.objects.filter { $0.pictureID == picture.id })
            progress.advance()
        }
        progress.clear()
        if let saveDetections {
            try JSONEncoder().encode(candidates.map(COCOResult.init)).write(to: URL(filePath: saveDetections))
        }

        let report = EvaluationReport(
            model: location.id, pictures: truth.pictures.count,
            mask: AveragePrecision(candidates, against: truth, shape: .mask),
            box: AveragePrecision(candidates, against: truth, shape: .box), atDefault: atDefault,
            categories: truth.categories)
        if let plot, let format = PrecisionRecallPlot.format(of: plot) {
            let picture = PrecisionRecallPlot(report).picture
            try Data(try picture.encoded(as: format)).write(to: URL(filePath: plot))
        }
        print(json ? try report.json() : report.table())
    }
}

/// A detection as COCO's tools read it.
private struct COCOResult: Encodable {
    struct Runs: Encodable {
        let size: [Int]
        let counts: String
    }
    let image_id: Int
    let category_id: Int
    let score: Double
    let bbox: [Double]
    let segmentation: Runs

    init(_ candidate: AveragePrecision.Candidate) {
        let runs = RunLengthEncoding(candidate.mask)
        let box = candidate.box
        image_id = candidate.pictureID
        category_id = candidate.categoryID
        score = candidate.confidence
        bbox = [box.x1, box.y1, box.width, box.height]
        segmentation = Runs(size: [runs.size.height, runs.size.width], counts: runs.compressedCounts)
    }
}

/// What the default threshold (confidence 40, overlap 30) finds, by boxes that overlap by half.
struct DefaultThresholdCount {
    private(set) var found: [Int: Int] = [:]
    private(set) var objects: [Int: Int] = [:]
    private(set) var falseAlarms: [Int: Int] = [:]

    mutating func add(_ detections: [(category: Int, box: BoundingBox)], objects truth: [COCOAnnotations.Object]) {
        let counted = truth.filter { !$0.isCrowd }
        var taken = Set<Int>()
        for object in counted { objects[object.categoryID, default: 0] += 1 }
        for (category, box) in detections {  // most confident first
            let best = counted.indices.filter { counted[$0].categoryID == category && !taken.contains($0) }
                .max { counted[$0].box.iou(box) < counted[$1].box.iou(box) }
            if let best, counted[best].box.iou(box) >= 0.5 {
                taken.insert(best)
                found[category, default: 0] += 1
            } else {
                falseAlarms[category, default: 0] += 1
            }
        }
    }
}

/// The accuracy of a model, for people and for programs.
struct EvaluationReport {
    let model: ModelID
    let pictures: Int
    let mask: AveragePrecision
    let box: AveragePrecision
    let atDefault: DefaultThresholdCount
    let categories: [Int: String]

    func table() -> String {
        func number(_ value: Double?) -> String {
            value.map { String(format: "%6.1f", $0 * 100) } ?? "     -"
        }
        func column(_ text: String, _ width: Int) -> String {
            text.padding(toLength: width, withPad: " ", startingAt: 0)
        }
        var lines = ["\(model) on \(pictures) pictures, per cent"]
        lines.append(
            column("", 18) + AveragePrecision.names.map { String(repeating: " ", count: 6 - $0.count) + $0 }.joined())
        lines.append(column("mask", 18) + mask.values.map(number).joined())
        lines.append(column("box", 18) + box.values.map(number).joined())
        lines.append("")
        lines.append(column("class", 18) + "mask AP  AP50   box AP  AP50   found at 40   false alarms")
        for category in box.byCategory.keys.sorted() {
            let (m, b) = (mask.byCategory[category], box.byCategory[category])
            let counts = "\(atDefault.found[category] ?? 0)/\(atDefault.objects[category] ?? 0)"
            lines.append(
                column(categories[category] ?? "", 18) + number(m?[0]) + number(m?[1]) + "   " + number(b?[0])
                    + number(b?[1]) + "   " + column(counts, 14) + "\(atDefault.falseAlarms[category] ?? 0)")
        }
        let (found, objects) = (atDefault.found.values.reduce(0, +), atDefault.objects.values.reduce(0, +))
        let alarms = Double(atDefault.falseAlarms.values.reduce(0, +)) / Double(max(pictures, 1))
        lines.append("")
        lines.append(
            "At confidence 40: \(found) of \(objects) objects found, "
                + String(format: "%.2f false alarms a picture", alarms))
        return lines.joined(separator: "\n")
    }

    func json() throws -> String {
        func object(_ values: [Double?]) -> [String: Double] {
            // COCO's convention for "no object decides this".
            Dictionary(uniqueKeysWithValues: zip(AveragePrecision.names, values.map { $0 ?? -1 }))
        }
        struct Class: Encodable {
            let segm: [String: Double]?
            let bbox: [String: Double]
        }
        struct Report: Encodable {
            let segm: [String: Double]
            let bbox: [String: Double]
            let classes: [String: Class]
        }
        let classes = box.byCategory.map { id, value in
            (
                categories[id] ?? String(id),
                Class(segm: mask.byCategory[id].map(object), bbox: object(value))
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let report = Report(
            segm: object(mask.values), bbox: object(box.values), classes: Dictionary(classes) { first, _ in first })
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }
}
