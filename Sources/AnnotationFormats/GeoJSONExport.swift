import Imaging
import InstanceSegmentation

/// GeoJSON (RFC 7946) in pixel coordinates, the origin at the image's top left corner.
enum GeoJSONExport {
    static func file(_ image: ExportedImage) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw(#"{"type":"FeatureCollection","features":"#)
        writer.list(image.objects) { writer, object in
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
