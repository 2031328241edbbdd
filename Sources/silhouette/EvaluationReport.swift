import Foundation
import Imaging
import InstanceSegmentation

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
                .max { counted[$0].box.iou(with: box) < counted[$1].box.iou(with: box) }
            if let best, counted[best].box.iou(with: box) >= 0.5 {
                taken.insert(best)
                found[category, default: 0] += 1
            } else {
                falseAlarms[category, default: 0] += 1
            }
        }
    }
}

/// Counts the images whose size is not the one that their annotations are for, as after a rotation that the annotations do not know.
struct AnnotatedSizes {
    private var total = 0
    private var different = 0
    private var turned = 0
    private var example: String?

    /// - Parameter actual: the size of the upright image.
    mutating func add(_ image: COCOAnnotations.Image, actual: ImageSize) {
        total += 1
        guard let stated = image.size, stated != actual else { return }
        different += 1
        if stated.transposed == actual { turned += 1 }
        if example == nil { example = "'\(image.fileName)' is \(actual), its annotations are for \(stated)" }
    }

    /// What a user has to know about them; `nil` if every size is right.
    var warning: String? {
        guard let example else { return nil }
        let hint =
            turned > 0
            ? " In \(turned) of them width and height are exchanged: their annotations ignore the orientation in the files' EXIF data."
            : ""
        return
            "\(different) of \(total) images have another size than their annotations are for: masks of these never match, and "
            + "boxes are compared as they are. The first: \(example).\(hint)"
    }
}

/// The accuracy of a model, for people and for programs.
struct EvaluationReport {
    let model: ModelID
    let images: Int
    let mask: AveragePrecision
    let box: AveragePrecision
    let atDefault: DefaultThresholdCount
    let categories: [Int: String]

    /// The name of a category; its id where it has none.
    private func name(of category: Int) -> String {
        categories[category].flatMap { $0.isEmpty ? nil : $0 } ?? String(category)
    }

    func table() -> String {
        func number(_ value: Double?) -> String {
            value.map { String(format: "%6.1f", $0 * 100) } ?? "     -"
        }
        let names = box.byCategory.keys.sorted().map { (id: $0, text: name(of: $0).printable) }
        let width = max(16, names.map(\.text.width).max() ?? 0) + 2
        var lines = ["\(model) on \(images) images, percent"]
        lines.append(
            "".padded(to: width)
                + AveragePrecision.names.map { String(repeating: " ", count: 6 - $0.count) + $0 }.joined())
        lines.append("mask".padded(to: width) + mask.values.map(number).joined())
        lines.append("box".padded(to: width) + box.values.map(number).joined())
        lines.append("")
        lines.append("class".padded(to: width) + "mask AP  AP50   box AP  AP50   found at 40   false alarms")
        for (category, name) in names {
            let (m, b) = (mask.byCategory[category], box.byCategory[category])
            let counts = "\(atDefault.found[category] ?? 0)/\(atDefault.objects[category] ?? 0)"
            lines.append(
                name.padded(to: width) + number(m?[0]) + number(m?[1]) + "   " + number(b?[0])
                    + number(b?[1]) + "   " + counts.padded(to: 14) + "\(atDefault.falseAlarms[category] ?? 0)")
        }
        let (found, objects) = (atDefault.found.values.reduce(0, +), atDefault.objects.values.reduce(0, +))
        let alarms = Double(atDefault.falseAlarms.values.reduce(0, +)) / Double(max(images, 1))
        lines.append("")
        lines.append(
            "At confidence 40: \(found) of \(objects) objects found, "
                + String(format: "%.2f false alarms per image", alarms))
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
        // Of equal names the first stands: detections are those of the category with the lowest id.
        let classes = box.byCategory.sorted { $0.key < $1.key }.map { id, value in
            (
                name(of: id),
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
