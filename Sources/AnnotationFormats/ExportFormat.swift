import ImageCodecs
public import Imaging
public import InstanceSegmentation

/// Annotation formats of other tools. Formats that support several parts and holes contain all of them. Their rings
/// follow the edges of pixels, so that the tools that read them reproduce the same pixels.
public enum ExportFormat: String, CaseIterable, Sendable {
    /// COCO annotations: polygons, or run lengths for objects with holes.
    case coco
    /// YOLO training labels, one line per object: the class and the ring of its largest part, as fractions of the
    /// image's sides.
    case yolo
    /// GeoJSON: a FeatureCollection in pixel coordinates.
    case geojson
    /// LabelMe: one polygon per part, with a group per object; a mask for objects with holes.
    case labelme
    /// CVAT for images 1.1: polygons, or run lengths for objects with several parts or with holes.
    case cvat
    /// A gray PNG in which each pixel holds the number of its object, counted from 1. Where objects overlap, the more
    /// confident one is on top.
    case mask
    /// A PNG that is transparent outside the objects.
    case cutout

    /// The media type of the file.
    public var mediaType: String {
        switch self {
        case .coco, .labelme: "application/json"
        case .geojson: "application/geo+json"
        case .yolo: "text/plain; charset=utf-8"
        case .cvat: "application/xml"
        case .mask, .cutout: "image/png"
        }
    }

    /// The file name extension.
    public var fileExtension: String {
        switch self {
        case .coco, .labelme: "json"
        case .geojson: "geojson"
        case .yolo: "txt"
        case .cvat: "xml"
        case .mask, .cutout: "png"
        }
    }

    /// Whether one file contains all images rather than a single one.
    public var holdsManyImages: Bool { self == .coco || self == .cvat }

    /// Returns the file for one image.
    /// - Throws: `ImageCodecError` if a PNG cannot be written.
    public func file(for image: ExportedImage) throws -> [UInt8] { try file(for: [image]) }

    /// Returns the file for several images. Formats with one file per image use only the first.
    public func file(for images: [ExportedImage]) throws -> [UInt8] {
        guard let first = images.first else { return [] }
        return switch self {
        case .coco: COCOExport.file(images)
        case .cvat: CVATExport.file(images)
        case .yolo: YOLOExport.file(first)
        case .geojson: GeoJSONExport.file(first)
        case .labelme: try LabelMeExport.file(first)
        case .mask: try PNGExport.instances(first)
        case .cutout: try PNGExport.cutout(first)
        }
    }
}

/// An image and its detections, to be exported to a file of another tool.
public struct ExportedImage: Sendable {
    /// The file name of the image.
    public let file: String
    /// The path of the image relative to the exported file, for formats that refer to it. Default: the file name.
    public let path: String
    public let segmentation: Segmentation
    /// All class names of the model, by class index.
    public let classNames: [String]
    /// The pixels, for the formats that contain them.
    public let image: RasterImage?
    /// Maximum distance of simplified rings from the mask's outline, in pixels; `nil` keeps every corner.
    public let simplification: Double?

    public init(
        file: String, path: String? = nil, segmentation: Segmentation, classNames: [String],
        image: RasterImage? = nil,
        simplification: Double? = nil
    ) {
        self.file = file
        self.path = path ?? file
        self.segmentation = segmentation
        self.classNames = classNames
        self.image = image
        self.simplification = simplification
    }

    /// Objects that have a box and pixels, with their masks at the image's size.
    var objects: [Object] {
        segmentation.detections.compactMap { detection in
            let mask = detection.mask.resized(to: segmentation.imageSize)
            guard detection.box.width > 0, detection.box.height > 0, !mask.isEmpty else { return nil }
            return Object(detection: detection, mask: mask, simplification: simplification)
        }
    }

    struct Object {
        let detection: Detection
        let mask: Mask
        fileprivate let simplification: Double?

        /// The mask's parts, the largest first.
        var polygons: [MaskPolygon] {
            let all = mask.boundaryPolygons.sorted { $0.outer.signedArea > $1.outer.signedArea }
            return simplification.map { tolerance in all.simplified(tolerance: tolerance) } ?? all
        }
    }
}

extension JSONWriter {
    /// Writes elements as a JSON array.
    package mutating func list<Element>(
        _ elements: some Sequence<Element>, _ write: (inout JSONWriter, Element) -> Void
    ) {
        raw("[")
        var isFirst = true
        for element in elements {
            if !isFirst { raw(",") }
            isFirst = false
            write(&self, element)
        }
        raw("]")
    }
}
