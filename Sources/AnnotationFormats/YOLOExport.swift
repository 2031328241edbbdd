import Imaging
import InstanceSegmentation

/// Lines for training YOLO: `class x y x y ...`, coordinates in fractions of the image's sides.
enum YOLOExport {
    /// The labels of an image.
    static func file(_ image: ExportedImage) -> [UInt8] {
        let size = image.segmentation.imageSize
        var writer = JSONWriter()  // writes numbers the same way
        for object in image.objects {
            guard let ring = object.polygons.first?.outer else { continue }
            writer.integer(object.detection.classID)
            for point in ring.points {
                for value in [point.x / Double(size.width), point.y / Double(size.height)] {
                    writer.raw(" ")
                    writer.number((value * 1e6).rounded() / 1e6)
                }
            }
            writer.raw("\n")
        }
        return writer.bytes
    }
}

/// The files that accompany the labels of a YOLO dataset.
public enum YOLODataset {
    /// Returns the class names, one per line. Control characters and line separators in a name become spaces; a blank
    /// name is replaced by `class_` and the index.
    public static func classList(_ classNames: [String]) -> [UInt8] {
        let lines = classNames.enumerated().map { index, name in
            var line = String.UnicodeScalarView()
            for scalar in name.unicodeScalars {
                let breaks = scalar.properties.generalCategory == .control || [0x2028, 0x2029].contains(scalar.value)
                line.append(breaks ? " " : scalar)
            }
            let text = String(line)
            return text.allSatisfy(\.isWhitespace) ? "class_\(index)" : text
        }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }

    /// Returns a `data.yaml` that Ultralytics and supervision can read.
    /// - Parameter images: the folder of the images, relative to the folder of the file.
    public static func description(_ classNames: [String], images: String) -> [UInt8] {
        var lines = ["train: \(quoted(images))", "val: \(quoted(images))", "nc: \(classNames.count)"]
        lines.append(classNames.isEmpty ? "names: []" : "names:")
        for (index, name) in classNames.enumerated() { lines.append("  \(index): \(quoted(name))") }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// A text in YAML's double quotes, in which every character that YAML does not allow is an escape.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C: result.unicodeScalars += ["\\", scalar]
            case ..<0x20, 0x7F...0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
