public import Imaging

/// Draws detections on an image.
public protocol Annotator: Sendable {
    func annotate(_ canvas: inout DrawingCanvas, with detections: [Detection])
}

extension RasterImage {
    /// Returns the image with detections drawn on it by the annotators, in their order.
    public func annotated(with detections: [Detection], by annotators: [any Annotator]) -> RasterImage {
        var canvas = DrawingCanvas(self)
        for annotator in annotators { annotator.annotate(&canvas, with: detections) }
        return canvas.image
    }
}

extension Detection {
    /// The color of the detection's class.
    var color: RGBColor { RGBColor.palette[Int(classID.magnitude % UInt(RGBColor.palette.count))] }

    /// The detection's box in whole pixels of a canvas; `nil` where it has no place there.
    func box(on canvas: DrawingCanvas) -> BoundingBox? {
        guard box.isFinite else { return nil }
        return box.rounded.clipped(width: Double(canvas.image.size.width), height: Double(canvas.image.size.height))
    }
}

/// Tints the pixels of each object.
public struct MaskAnnotator: Annotator {
    /// Opacity of the tint: 0 leaves the image unchanged, 1 covers it.
    public var opacity: Double

    public init(opacity: Double = 0.35) {
        self.opacity = opacity
    }

    public func annotate(_ canvas: inout DrawingCanvas, with detections: [Detection]) {
        for detection in detections {
            let mask = detection.mask.resized(to: canvas.image.size)
            for y in mask.rows {
                for run in mask.runs(inRow: y) {
                    canvas.fill(detection.color, x: Int(run.start)..<Int(run.end), y: y, opacity: opacity)
                }
            }
        }
    }
}

/// Outlines each object.
public struct PolygonAnnotator: Annotator {
    public var lineWidth: Int

    public init(lineWidth: Int = 1) {
        self.lineWidth = lineWidth
    }

    public func annotate(_ canvas: inout DrawingCanvas, with detections: [Detection]) {
        for detection in detections {
            guard let ring = detection.mask.hostedOutline(in: canvas.image.size) else { continue }
            canvas.polygon(detection.color, through: ring.points.map { (Int($0.x), Int($0.y)) }, width: lineWidth)
        }
    }
}

/// Draws each object's box.
public struct BoxAnnotator: Annotator {
    public var lineWidth: Int

    public init(lineWidth: Int = 1) {
        self.lineWidth = lineWidth
    }

    public func annotate(_ canvas: inout DrawingCanvas, with detections: [Detection]) {
        for detection in detections {
            guard let box = detection.box(on: canvas) else { continue }
            canvas.stroke(
                detection.color, left: Int(box.x1), top: Int(box.y1), right: Int(box.x2), bottom: Int(box.y2),
                width: lineWidth)
        }
    }
}

/// Writes the class and the confidence at the top left corner of each object's box.
public struct LabelAnnotator: Annotator {
    /// Height of the text in pixels.
    public var height: Int
    public var margin: Int

    public init(height: Int = 16, margin: Int = 4) {
        self.height = height
        self.margin = margin
    }

    public func annotate(_ canvas: inout DrawingCanvas, with detections: [Detection]) {
        for detection in detections {
            guard let box = detection.box(on: canvas), detection.confidence.isFinite else { continue }
            let hundredths = Int((min(max(detection.confidence, 0), 1) * 100).rounded())
            let score = "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
            canvas.label(
                "\(detection.className) \(score)", x: Int(box.x1), y: Int(box.y1), height: height, margin: margin,
                color: detection.color)
        }
    }
}
