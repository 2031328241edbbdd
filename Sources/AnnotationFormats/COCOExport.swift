import Imaging
import InstanceSegmentation

/// COCO's annotations. Categories are counted from 1; `score` is there as in COCO's results.
enum COCOExport {
    static func file(_ images: [ExportedImage]) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw(#"{"info":{"description":"Silhouette"},"images":"#)
        writer.list(images.enumerated()) { writer, entry in
            writer.raw(#"{"id":"#)
            writer.integer(entry.offset + 1)
            writer.raw(#","file_name":"#)
            writer.string(entry.element.file)
            writer.raw(#","width":"#)
            writer.integer(entry.element.segmentation.imageSize.width)
            writer.raw(#","height":"#)
            writer.integer(entry.element.segmentation.imageSize.height)
            writer.raw("}")
        }
        writer.raw(#","categories":"#)
        writer.list(ExportedClasses(images).named) { writer, category in
            writer.raw(#"{"id":"#)
            writer.integer(category.id + 1)
            writer.raw(#","name":"#)
            writer.string(category.name)
            writer.raw("}")
        }
        writer.raw(#","annotations":"#)
        let annotations = images.enumerated().flatMap { image in
            image.element.objects.map { (image: image.offset + 1, object: $0) }
        }
        writer.list(annotations.enumerated()) { writer, entry in
            write(entry.element.object, id: entry.offset + 1, image: entry.element.image, to: &writer)
        }
        writer.raw("}")
        return writer.bytes
    }

    private static func write(
        _ object: ExportedImage.Object, id: Int, image: Int, to writer: inout JSONWriter
    ) {
        let box = object.detection.box
        writer.raw(#"{"id":"#)
        writer.integer(id)
        writer.raw(#","image_id":"#)
        writer.integer(image)
        writer.raw(#","category_id":"#)
        writer.integer(object.detection.classID + 1)
        writer.raw(#","score":"#)
        writer.number(object.detection.confidence)
        writer.raw(#","bbox":"#)
        writer.list([box.x1, box.y1, box.width, box.height]) { $0.number(($1 * 1000).rounded() / 1000) }
        writer.raw(#","area":"#)
        writer.integer(object.mask.area)
        writer.raw(#","iscrowd":0,"segmentation":"#)
        let polygons = object.polygons
        if polygons.allSatisfy(\.holes.isEmpty) {
            writer.list(polygons) { writer, polygon in
                writer.list(polygon.outer.points.flatMap { [$0.x, $0.y] }) { $0.number($1) }
            }
        } else {
            // A list of rings is their union here: it has no holes.
            writer.runs(of: object.mask)
        }
        writer.raw("}")
    }
}
