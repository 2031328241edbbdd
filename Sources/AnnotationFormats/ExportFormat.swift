import ImageCodecs
public import Imaging
public import InstanceSegmentation

/// Formats of other tools. Where a format can hold several parts and holes, all are in it; its rings run along the edges of pixels,
/// so that the tools that read them get the same pixels.
public enum ExportFormat: String, CaseIterable, Sendable {
    /// COCO's annotations: polygons, run lengths for what has holes.
    case coco
    /// A line an object, for training YOLO: the class and the ring of the largest part, in fractions of the sides.
    case yolo
    /// A FeatureCollection in pixel coordinates.
    case geojson
    /// LabelMe: a polygon a part, whose objects share a group; a mask for what has holes.
    case labelme
    /// CVAT for images 1.1: polygons, run lengths for what has parts or holes.
    case cvat
    /// A gray PNG in which each pixel has the number of its object, counted from 1; the more confident is on top.
    case mask
    /// A PNG in which everything but the objects is transparent.
    case cutout

    /// The media type of a file.
    public var mediaType: String {
        switch self {
        case .coco, .labelme: "application/json"
        case .geojson: "application/geo+json"
        case .yolo: "text/plain; charset=utf-8"
        case .cvat: "application/xml"
        case .mask, .cutout: "image/png"
        }
    }

    /// The extension of a file's name.
    public var fileExtension: String {
        switch self {
        case .coco, .labelme: "json"
        case .geojson: "geojson"
        case .yolo: "txt"
        case .cvat: "xml"
        case .mask, .cutout: "png"
        }
    }

    /// Whether one file holds all images rather than one each.
    public var holdsManyImages: Bool { self == .coco || self == .cvat }

    /// The file for one image.
    /// - Throws: `ImageCodecError` where a PNG cannot be written.
    public func file(for image: ExportedImage) throws -> [UInt8] { try file(for: [image]) }

    /// The file for images; only the first counts where a file holds one.
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

/// An image and what was found in it, for a file of another tool.
public struct ExportedImage: Sendable {
    /// What the image is called.
    public let file: String
    /// Where it is, for formats that refer to it: relative to the folder of the file. By default its name.
    public let path: String
    public let segmentation: Segmentation
    /// All names of the model, by class index.
    public let classNames: [String]
    /// Every pixel, where the format is made of them.
    public let image: RasterImage?
    /// How far rings with fewer points may be from the mask's, in pixels; `nil` keeps every corner.
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
