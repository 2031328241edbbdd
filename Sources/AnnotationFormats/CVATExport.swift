import Imaging
import InstanceSegmentation

/// CVAT for images 1.1.
enum CVATExport {
    static func file(_ images: [ExportedImage]) -> [UInt8] {
        var lines = [#"<?xml version="1.0" encoding="utf-8"?>"#, "<annotations>", "  <version>1.1</version>"]
        lines += meta(images)
        for (id, image) in images.enumerated() {
            let size = image.segmentation.imageSize
            lines.append(
                #"  <image id="\#(id)" name="\#(escaped(image.file))" width="\#(size.width)" height="\#(size.height)">"#
            )
            for object in image.objects { lines += shape(object) }
            lines.append("  </image>")
        }
        lines.append("</annotations>")
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// The labels and their attribute, without which CVAT's readers refuse the file.
    private static func meta(_ images: [ExportedImage]) -> [String] {
        var names = images.first?.classNames ?? []
        var known = Set(names)
        for detection in images.flatMap(\.segmentation.detections) where known.insert(detection.className).inserted {
            names.append(detection.className)
        }
        var listed: Set<String> = []
        let labels = names.filter { listed.insert($0).inserted }.map { name in
            "<label><name>\(escaped(name))</name><attributes><attribute><name>confidence</name><mutable>False</mutable>"
                + "<input_type>number</input_type><default_value>1</default_value><values>0;1;0.001</values></attribute>"
                + "</attributes></label>"
        }
        return [
            "  <meta>", "    <task>", "      <size>\(images.count)</size>", "      <mode>annotation</mode>",
            "      <labels>",
        ]
            + labels.map { "        " + $0 } + ["      </labels>", "    </task>", "  </meta>"]
    }

    private static func shape(_ object: ExportedImage.Object) -> [String] {
        let label = escaped(object.detection.className)
        let common = #"label="\#(label)" source="auto" occluded="0""#
        let polygons = object.polygons
        let start: String
        if polygons.count == 1, polygons[0].holes.isEmpty {
            let points = polygons[0].outer.points.map { "\(text($0.x)),\(text($0.y))" }.joined(separator: ";")
            start = #"    <polygon \#(common) points="\#(points)" z_order="0">"#
        } else {
            guard let box = object.mask.bounds else { return [] }
            let (left, top, width, height) = (Int(box.x1), Int(box.y1), Int(box.width), Int(box.height))
            let runs = runLengths(object.mask, left: left, top: top, width: width, height: height)
            start =
                #"    <mask \#(common) rle="\#(runs.map(String.init).joined(separator: ", "))" left="\#(left)" top="\#(top)" "#
                + #"width="\#(width)" height="\#(height)" z_order="0">"#
        }
        return [
            start, #"      <attribute name="confidence">\#(object.detection.confidence)</attribute>"#,
            polygons.count == 1 && polygons[0].holes.isEmpty ? "    </polygon>" : "    </mask>",
        ]
    }

    /// Runs of a box's pixels, row by row, alternately unset and set, beginning with unset.
    private static func runLengths(_ mask: Mask, left: Int, top: Int, width: Int, height: Int) -> [Int] {
        var counts: [Int] = []
        var at = 0
        var end = 0  // of the last run that was set
        for y in top..<top + height {
            for run in mask.runs(inRow: y) {
                let start = (y - top) * width + Int(run.start) - left
                if !counts.isEmpty && start == end {
                    counts[counts.count - 1] += Int(run.end - run.start)
                } else {
                    counts += [start - at, Int(run.end - run.start)]
                }
                end = start + Int(run.end - run.start)
                at = end
            }
        }
        if at < width * height { counts.append(width * height - at) }
        return counts
    }

    private static func text(_ value: Double) -> String {
        var writer = JSONWriter()
        writer.number(value)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Text for attributes and elements. Line breaks are kept; other control characters cannot stand in XML 1.0, however they are
    /// written, and are replaced.
    private static func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x26: result += "&amp;".unicodeScalars
            case 0x3C: result += "&lt;".unicodeScalars
            case 0x3E: result += "&gt;".unicodeScalars
            case 0x22: result += "&quot;".unicodeScalars
            case 9, 10, 13, 0x7F...0x9F: result += "&#\(scalar.value);".unicodeScalars
            case ..<0x20, 0xFFFE, 0xFFFF: result.append("\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
