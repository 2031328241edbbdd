import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation

/// Lines for training YOLO: `class x y x y ...`, coordinates in fractions of the picture's sides.
enum YOLOExport {
    static func file(_ picture: ExportedPicture) -> [UInt8] {
        let size = picture.segmentation.imageSize
        var writer = JSONWriter()  // writes numbers the same way
        for object in picture.objects {
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

/// GeoJSON (RFC 7946) in pixel coordinates, the origin at the picture's top left corner.
enum GeoJSONExport {
    static func file(_ picture: ExportedPicture) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw(#"{"type":"FeatureCollection","features":"#)
        writer.list(picture.objects) { writer, object in
            let polygons = object.polygons
            writer.raw(#"{"type":"Feature","properties":{"class":"#)
            writer.string(object.detection.className)
            writer.raw(#","class_id":"#)
            writer.integer(object.detection.classID)
            writer.raw(#","confidence":"#)
            writer.number(object.detection.confidence)
            writer.raw(#"},"bbox":"#)
            let box = object.detection.box
            writer.list([box.x1, box.y1, box.x2, box.y2]) { $0.number(($1 * 1000).rounded() / 1000) }
            if polygons.count == 1 {
                writer.raw(#","geometry":{"type":"Polygon","coordinates":"#)
                write(polygons[0], to: &writer)
            } else {
                writer.raw(#","geometry":{"type":"MultiPolygon","coordinates":"#)
                writer.list(polygons) { write($1, to: &$0) }
            }
            writer.raw("}}")
        }
        writer.raw("}")
        return writer.bytes
    }

    private static func write(_ polygon: MaskPolygon, to writer: inout JSONWriter) {
        writer.list(polygon.rings) { writer, ring in
            writer.list(ring.points + ring.points.prefix(1)) { writer, point in
                writer.list([point.x, point.y]) { $0.number($1) }
            }
        }
    }
}

/// LabelMe's annotation of one picture.
enum LabelMeExport {
    static func file(_ picture: ExportedPicture) -> [UInt8] {
        var writer = JSONWriter()
        let size = picture.segmentation.imageSize
        let shapes = picture.objects.enumerated().flatMap { index, object in
            let polygons = object.polygons
            return polygons.map { (object.detection, $0.outer, polygons.count > 1 ? index + 1 : nil) }
        }
        writer.raw(#"{"version":"5.4.1","flags":{},"shapes":"#)
        writer.list(shapes) { writer, shape in
            let (detection, ring, group) = shape
            writer.raw(#"{"label":"#)
            writer.string(detection.className)
            writer.raw(#","points":"#)
            writer.list(ring.points) { writer, point in writer.list([point.x, point.y]) { $0.number($1) } }
            writer.raw(#","group_id":"#)
            if let group { writer.integer(group) } else { writer.raw("null") }
            writer.raw(#","description":"confidence "#)
            writer.number(detection.confidence)
            writer.raw(#"","shape_type":"polygon","flags":{}}"#)
        }
        writer.raw(#","imagePath":"#)
        writer.string(picture.file)
        writer.raw(#","imageData":null,"imageHeight":"#)
        writer.integer(size.height)
        writer.raw(#","imageWidth":"#)
        writer.integer(size.width)
        writer.raw("}")
        return writer.bytes
    }
}

/// CVAT for images 1.1.
enum CVATExport {
    static func file(_ pictures: [ExportedPicture]) -> [UInt8] {
        var lines = [#"<?xml version="1.0" encoding="utf-8"?>"#, "<annotations>", "  <version>1.1</version>"]
        for (id, picture) in pictures.enumerated() {
            let size = picture.segmentation.imageSize
            lines.append(
                #"  <image id="\#(id)" name="\#(escaped(picture.file))" width="\#(size.width)" height="\#(size.height)">"#
            )
            for object in picture.objects { lines += shape(object) }
            lines.append("  </image>")
        }
        lines.append("</annotations>")
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private static func shape(_ object: ExportedPicture.Object) -> [String] {
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

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
