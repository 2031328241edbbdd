import AnnotationFormats
import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation

/// Writes the outputs of `predict`. A file that cannot be written is named, and the others are written.
struct PredictionWriter {
    let plan: OutputPlan
    let formats: [ExportFormat]
    let classNames: [String]
    let overwrites: Bool
    let inputs: ProtectedFiles
    /// Says which file could not be written, and why.
    let report: (String) -> Void
    /// How many files were written, and how many could not be.
    private(set) var count = 0
    private(set) var failures = 0
    private var collected: [ExportedImage] = []
    private var classes: ExportedClasses

    /// - Parameter classNames: the model's names, by class index.
    init(
        plan: OutputPlan, formats: [ExportFormat], classNames: [String], overwrites: Bool, inputs: ProtectedFiles,
        report: @escaping (String) -> Void
    ) {
        self.plan = plan
        self.formats = formats
        self.classNames = classNames
        classes = ExportedClasses(classNames)
        self.overwrites = overwrites
        self.inputs = inputs
        self.report = report
    }

    /// Writes the files for one image.
    /// - Parameters:
    ///   - file: The image's own path.
    ///   - drawing: Makes the image with outlines.
    mutating func write(
        _ segmentation: Segmentation, of input: Int, file: String, image: RasterImage?, simplification: Double?,
        drawing: () throws -> RasterImage?
    ) {
        if let path = plan.savedImage(of: input) { write(to: path) { try drawing()?.encoded(as: .jpeg) ?? [] } }
        guard !formats.isEmpty else { return }
        classes.add(segmentation.detections)
        let classNames = classNames
        func exported(name: String, path: String? = nil, image: RasterImage? = nil) -> ExportedImage {
            ExportedImage(
                file: name, path: path, segmentation: segmentation, classNames: classNames, image: image,
                simplification: simplification)
        }
        let single = exported(name: FilePath.split(file).name)
        for format in formats {
            guard let path = plan.file(format, of: input) else { continue }
            let exported = exported(name: single.file, path: plan.relativePath(format, of: input))
            write(to: path) { try format.file(for: exported) }
        }
        if formats.contains(.cutout) {
            do {
                for (index, part) in try exported(name: single.file, image: image).cutouts().enumerated() {
                    guard let path = plan.cutout(index + 1, className: part.className, of: input) else { continue }
                    write(to: path) { part.file }
                }
            } catch {
                failures += 1
                report("the cut-outs of \(file): \(FileProblem.reason(of: error))")
            }
        }
        if formats.contains(where: \.holdsManyImages) { collected.append(exported(name: plan.name(of: input))) }
    }

    /// Writes the files for all images together.
    mutating func finish() {
        if !collected.isEmpty {
            let collected = collected
            for format in formats where format.holdsManyImages {
                if let path = plan.file(format) { write(to: path) { try format.file(for: collected) } }
            }
        }
        guard formats.contains(.yolo) else { return }
        let names = classes.list
        if let path = plan.classList { write(to: path) { YOLODataset.classList(names) } }
        if let path = plan.dataset {
            let description = YOLODataset.description(names, images: plan.relativeInputFolder)
            write(to: path) { description }
        }
    }

    private mutating func write(to path: String, _ bytes: () throws -> [UInt8]) {
        do {
            try OutputFile.write(bytes(), to: path, overwrites: overwrites, sparing: inputs)
            count += 1
        } catch {
            failures += 1
            report("\(path): \(FileProblem.reason(of: error))")
        }
    }
}
