/// The families of networks that can be decoded, and how each is recognised.
///
/// To add one: write its decoder, add a case, and say in `recognized(in:_:)` what it looks like.
public enum ModelFamily: String, CaseIterable, Sendable {
    /// YOLOv8, YOLO11, YOLO12, FastSAM, YOLOE: a column for each anchor, with prototypes.
    case yolo
    /// End-to-end YOLO26 and exports with suppression in the graph: finished rows, with prototypes.
    case yoloEndToEnd = "yolo-end2end"
    /// YOLOv5 and YOLOv7: a row with objectness for each anchor, with prototypes.
    case yolov5

    /// What the family's files look like, for error messages.
    var layout: String {
        let prototypes = "and [batch, coefficients, height, width]"
        return switch self {
        case .yolo:
            "YOLOv8/11/12-seg (outputs [batch, 4 + classes + coefficients, anchors] \(prototypes))"
        case .yoloEndToEnd:
            "end-to-end YOLO (outputs [batch, detections, 6 + coefficients] \(prototypes))"
        case .yolov5:
            "YOLOv5/7-seg (outputs [batch, anchors, 5 + classes + coefficients] \(prototypes))"
        }
    }

    /// The family of a file; `nil` where it is none that is known.
    static func recognized(in model: ModelDescription, _ configuration: ModelConfiguration) -> ModelFamily? {
        switch YOLOLayout.recognized(in: model, configuration) {
        case .columns: .yolo
        case .readyRows: .yoloEndToEnd
        case .rows: .yolov5
        case nil: nil
        }
    }

    /// The decoder for a file.
    ///
    /// - Parameter usesSquareInput: whether networks that take any shape get the full square rather than the smallest
    ///   rectangle around the picture.
    /// - Throws: `SegmentationError`, which says what was found and what was looked for.
    public static func model(
        for description: ModelDescription, usesSquareInput: Bool = false
    ) throws -> any SegmentationModel {
        let configuration = try ModelConfiguration(metadata: description.metadata)
        if let task = configuration.task, task != "segment" {
            throw SegmentationError.invalidConfiguration(
                "This is a model for the task '\(task)'; it has no masks. Instance segmentation needs one for 'segment'."
            )
        }
        guard let family = recognized(in: description, configuration) else {
            throw SegmentationError.unrecognizedModel(
                found: description.summary, expected: allCases.map(\.layout).joined(separator: "; "))
        }
        let layout: YOLOLayout =
            switch family {
            case .yolo: .columns
            case .yoloEndToEnd: .readyRows
            case .yolov5: .rows
            }
        return try YOLOSegmentation(
            description, configuration, family: family, layout: layout, usesSquareInput: usesSquareInput)
    }
}
