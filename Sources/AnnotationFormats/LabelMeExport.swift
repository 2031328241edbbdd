import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation

/// LabelMe's annotation of one image: a polygon for each part, and a mask where an object has holes.
enum LabelMeExport {
    /// - Throws: `ImageCodecError` where a mask cannot be written.
    static func file(_ image: ExportedImage) throws -> [UInt8] {
        var writer = JSONWriter()
        let size = image.segmentation.imageSize
        writer.raw(#"{"version":"5.4.1","flags":{},"shapes":["#)
        var isFirst = true
        for (index, object) in image.objects.enumerated() {
            let polygons = object.polygons
            if polygons.contains(where: { !$0.holes.isEmpty }), let box = object.mask.bounds {
                if !isFirst { writer.raw(",") }
                isFirst = false
                try write(object, box: box, to: &writer)
                continue
            }
            for polygon in polygons {
                if !isFirst { writer.raw(",") }
                isFirst = false
                write(
                    polygon.outer.points, of: object.detection, kind: "polygon",
                    group: polygons.count > 1 ? index + 1 : nil, to: &writer)
                writer.raw("}")
            }
        }
        writer.raw(#"],"imagePath":"#)
        writer.string(image.path)
        writer.raw(#","imageData":null,"imageHeight":"#)
        writer.integer(size.height)
        writer.raw(#","imageWidth":"#)
        writer.integer(size.width)
        writer.raw("}")
        return writer.bytes
    }

    /// A shape without its last brace.
    private static func write(
        _ points: [PixelPoint], of detection: Detection, kind: String, group: Int?, to writer: inout JSONWriter
    ) {
        writer.raw(#"{"label":"#)
        writer.string(detection.className)
        writer.raw(#","points":"#)
        writer.list(points) { writer, point in writer.list([point.x, point.y]) { $0.number($1) } }
        writer.raw(#","group_id":"#)
        if let group { writer.integer(group) } else { writer.raw("null") }
        writer.raw(#","description":"confidence "#)
        writer.number(detection.confidence)
        writer.raw(#"","shape_type":"#)
        writer.string(kind)
        writer.raw(#","flags":{}"#)
    }

    /// An object as a PNG of the box around its pixels. The corners are the first and the last pixel.
    private static func write(
        _ object: ExportedImage.Object, box: BoundingBox, to writer: inout JSONWriter
    ) throws {
        let size = ImageSize(width: Int(box.width), height: Int(box.height))
        let (left, top) = (Int(box.x1), Int(box.y1))
        var pixels = [UInt16](repeating: 0, count: size.area)
        for y in 0..<size.height {
            for run in object.mask.runs(inRow: y + top) {
                for x in Int(run.start)..<Int(run.end) { pixels[y * size.width + x - left] = 255 }
            }
        }
        let corners = [PixelPoint(x: box.x1, y: box.y1), PixelPoint(x: box.x2 - 1, y: box.y2 - 1)]
        write(corners, of: object.detection, kind: "mask", group: nil, to: &writer)
        writer.raw(#","mask":""#)
        writer.raw(Data(try PNGFile.gray(pixels, size: size, isWide: false)).base64EncodedData())
        writer.raw(#""}"#)
    }
}
