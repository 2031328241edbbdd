import Foundation
import Imaging
public import InstanceSegmentation

/// The encoding of an object's pixels.
public enum MaskFormat: String, CaseIterable, Sendable {
    /// The outline as one ring of points.
    case polygon
    /// COCO's compressed run-length encoding.
    case rle
}

/// A prediction's response in the format of the hosted API.
public struct PredictionResponse: Sendable {
    public let segmentation: Segmentation
    public let maskFormat: MaskFormat
    /// The image with the objects drawn on it, as a JPEG file.
    public var visualization: [UInt8]?
    /// Maximum distance of simplified outlines from the mask's outline, in pixels; `nil` keeps every point.
    public var simplification: Double?

    public init(
        _ segmentation: Segmentation, maskFormat: MaskFormat = .polygon, visualization: [UInt8]? = nil,
        simplification: Double? = nil
    ) {
        self.segmentation = segmentation
        self.maskFormat = maskFormat
        self.visualization = visualization
        self.simplification = simplification
    }

    /// Encodes the response as one line of JSON.
    /// - Parameters:
    ///   - file: the name of the image's file, written as the first member.
    ///   - inferenceID: the identifier of the response; a new one if `nil`.
    public func json(file: String? = nil, inferenceID: String? = nil) -> [UInt8] {
        var writer = JSONWriter(reserving: 256 + 2048 * segmentation.detections.count)
        var random = SystemRandomNumberGenerator()
        writer.raw("{")
        if let file {
            writer.raw(#""file":"#)
            writer.string(file)
            writer.raw(",")
        }
        writer.raw(#""inference_id":"#)
        if let inferenceID { writer.string(inferenceID) } else { writer.uuid(using: &random) }
        writer.raw(",")
        writeFields(to: &writer, random: &random)
        writer.raw("}")
        return writer.bytes
    }

    private func traced(_ detection: Detection) -> Polygon? {
        if let simplification {
            return detection.mask.hostedOutline(in: segmentation.imageSize, tolerance: simplification)
        }
        return detection.mask.hostedOutline(in: segmentation.imageSize)
    }

    private func writeFields(to writer: inout JSONWriter, random: inout SystemRandomNumberGenerator) {
        writer.raw(#""time":"#)
        writer.number((segmentation.timing.total.seconds * 1e6).rounded() / 1e6)
        writer.raw(#","image":{"width":"#)
        writer.integer(segmentation.imageSize.width)
        writer.raw(#","height":"#)
        writer.integer(segmentation.imageSize.height)
        writer.raw(#"},"predictions":["#)
        var isFirst = true
        for (index, detection) in segmentation.detections.enumerated() {
            guard
                let outline = segmentation.outlines.map({ $0[index] }) ?? traced(detection),
                let prediction = WirePrediction(
                    detection, outline: outline, decimals: simplification == nil ? 10 : 100,
                    imageSize: segmentation.imageSize, maskFormat: maskFormat)
            else { continue }
            if !isFirst { writer.raw(",") }
            isFirst = false
            prediction.write(to: &writer, random: &random)
        }
        writer.raw("]")
        if let visualization {
            writer.raw(#","visualization":""#)
            writer.raw(Data(visualization).base64EncodedData())
            writer.raw(#"""#)
        }
    }
}

/// One prediction of an answer: the box by its rounded corners, and the object's pixels.
private struct WirePrediction {
    private let detection: Detection
    private let box: BoundingBox
    private let outline: Polygon
    /// The denominator of its coordinates. Simplified outlines have hundredths where they run forth and back.
    private let decimals: Double
    private let imageSize: ImageSize
    private let maskFormat: MaskFormat

    /// `nil` where the box has no area once its corners are rounded.
    init?(_ detection: Detection, outline: Polygon, decimals: Double, imageSize: ImageSize, maskFormat: MaskFormat) {
        let box = detection.box.rounded
        guard box.width > 0, box.height > 0 else { return nil }
        self.imageSize = imageSize
        self.detection = detection
        self.box = box
        self.outline = outline
        self.decimals = decimals
        self.maskFormat = maskFormat
    }

    func write(to writer: inout JSONWriter, random: inout SystemRandomNumberGenerator) {
        writer.raw(#"{"x":"#)
        writer.number(box.centerX)
        writer.raw(#","y":"#)
        writer.number(box.centerY)
        writer.raw(#","width":"#)
        writer.number(box.width)
        writer.raw(#","height":"#)
        writer.number(box.height)
        writer.raw(#","confidence":"#)
        writer.number(detection.confidence)
        writer.raw(#","class":"#)
        writer.string(detection.className)
        writer.raw(#","class_id":"#)
        writer.integer(detection.classID)
        writer.raw(#","detection_id":"#)
        writer.uuid(using: &random)
        switch maskFormat {
        case .polygon: writePoints(to: &writer)
        case .rle: writeRuns(to: &writer)
        }
    }

    private func writePoints(to writer: inout JSONWriter) {
        writer.raw(#","points":["#)
        for (i, point) in outline.points.enumerated() {
            if i > 0 { writer.raw(",") }
            writer.raw(#"{"x":"#)
            writer.number((point.x * decimals).rounded() / decimals)
            writer.raw(#","y":"#)
            writer.number((point.y * decimals).rounded() / decimals)
            writer.raw("}")
        }
        writer.raw(#"],"mask_format":"polygon"}"#)
    }

    private func writeRuns(to writer: inout JSONWriter) {
        writer.raw(#","rle":"#)
        writer.runs(of: detection.mask.resized(to: imageSize))
        writer.raw(#","mask_format":"rle"}"#)
    }
}

extension JSONWriter {
    /// Writes a mask as COCO's object of compressed run lengths.
    mutating func runs(of mask: Mask) {
        let runs = RunLengthEncoding(mask)
        raw(#"{"size":["#)
        integer(runs.size.height)
        raw(",")
        integer(runs.size.width)
        raw(#"],"counts":"#)
        string(runs.compressedCounts)
        raw("}")
    }
}
