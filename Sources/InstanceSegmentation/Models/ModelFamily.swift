/// The families of networks that can be decoded.
///
/// To add a family, write its decoder, add a case, and describe how to recognize it in `recognized(in:_:)`.
public enum ModelFamily: String, CaseIterable, Sendable {
    /// YOLOv8, YOLO11, YOLO12, YOLOv9, YOLOE: one column per anchor, with prototypes.
    case yolo
    /// FastSAM: the layout of `yolo`, but boxes near the border snap to it.
    case fastSAM = "fastsam"
    /// End-to-end YOLO26, and exports with suppression in the graph: final detections, one per row, with prototypes.
    case yoloEndToEnd = "yolo-end2end"
    /// YOLOv5 and YOLOv7: one row with objectness per anchor, with prototypes.
    case yolov5
    /// RF-DETR-Seg.
    case rfdetr
    /// RTMDet-Ins as mmdeploy exports it, with or without post-processing in the graph.
    case rtmdetIns = "rtmdet-ins"
    /// Mask R-CNN as torchvision exports it.
    case maskRCNN = "maskrcnn"
    /// Mask R-CNN as detectron2 exports it by tracing.
    case detectron2
    /// Two-stage models of mmdeploy.
    case mmdeploy
    case yolact
    /// D-FINE-seg.
    case dfine
    /// ECSeg and GTR as LibreYOLO exports them.
    case ec
    /// YOLOv9-seg as LibreYOLO exports it.
    case yolo9
    case mask2former
    case maskformer
    case eomt

    /// What the family's files look like, for error messages.
    var layout: String {
        let prototypes = "and [batch, coefficients, height, width]"
        return switch self {
        case .yolo:
            "YOLOv8/11/12-seg (outputs [batch, 4 + classes + coefficients, anchors] \(prototypes))"
        case .fastSAM: "FastSAM (the same with one class, by its name)"
        case .yoloEndToEnd:
            "end-to-end YOLO (outputs [batch, detections, 6 + coefficients] \(prototypes))"
        case .yolov5:
            "YOLOv5/7-seg (outputs [batch, anchors, 5 + classes + coefficients] \(prototypes))"
        case .rfdetr:
            "RF-DETR-Seg (outputs dets [batch, queries, 4], labels [batch, queries, classes + 1], [batch, queries, height, width])"
        case .rtmdetIns:
            "RTMDet-Ins (outputs dets [batch, n, 5], labels [batch, n], masks [batch, n, height, width]; or for each level "
                + "[batch, classes, h, w], [batch, 4, h, w], [batch, 169, h, w], and [batch, 8, h, w])"
        case .maskRCNN:
            "torchvision's Mask R-CNN (outputs boxes [n, 4], labels [n], scores [n], masks [n, 1, height, width])"
        case .detectron2: "detectron2's Mask R-CNN (outputs [n, 4], [n], [n, 1, 28, 28], [n], [2])"
        case .mmdeploy: "mmdeploy's two-stage models (outputs dets [batch, n, 5], labels [batch, n], masks [n, 28, 28])"
        case .yolact:
            "YOLACT (outputs [batch, boxes, 4], [batch, boxes, classes + 1], [batch, boxes, 32], [boxes, 4], [batch, h, w, 32])"
        case .dfine:
            "D-FINE-seg (outputs labels [batch, k], boxes [batch, k, 4], scores [batch, k], masks [batch, k, h, w]; or logits, boxes and masks of queries)"
        case .ec:
            "LibreYOLO's ECSeg and GTR (outputs pred_logits [batch, queries, classes], pred_boxes [batch, queries, 4], "
                + "pred_masks [batch, queries, h, w], metadata model_family 'ec' or 'gtr')"
        case .yolo9:
            "LibreYOLO's YOLOv9-seg (outputs predictions [batch, 4 + classes, anchors], proto [batch, coefficients, h, w], "
                + "mask_coeffs [batch, coefficients, anchors])"
        case .mask2former, .maskformer, .eomt:
            "\(rawValue) (outputs class_queries_logits [batch, queries, classes + 1], masks_queries_logits [batch, queries, h, w])"
        }
    }

    /// Recognizes the family of a file; `nil` if it is unknown. The first match wins.
    static func recognized(in model: ModelDescription, _ configuration: ModelConfiguration) -> ModelFamily? {
        if let family = configuration.settings.family { return family }
        if model.heads != nil { return YOLOSegmentation.isFastSAM(model, configuration) ? .fastSAM : .yolo }
        if RTMDetSegmentation.hasOutputs(model) {
            return RTMDetSegmentation.hasRegionMasks(model) ? .mmdeploy : .rtmdetIns
        }
        if RTMDetHeadsSegmentation.recognizes(model) { return .rtmdetIns }
        if RFDETRSegmentation.recognizes(model) { return .rfdetr }
        if MaskRCNNSegmentation.recognizes(model) { return .maskRCNN }
        if ECSegmentation.recognizes(model) { return .ec }
        if DFINESegmentation.recognizes(model) { return .dfine }
        if YOLO9Segmentation.recognizes(model) { return .yolo9 }
        if QuerySegmentation.recognizes(model) { return .mask2former }
        if YOLACTSegmentation.recognizes(model) { return .yolact }
        if RegionSegmentation.detectron2Layout(model) != nil { return .detectron2 }
        switch YOLOLayout.recognized(in: model, configuration) {
        case .columns: return YOLOSegmentation.isFastSAM(model, configuration) ? .fastSAM : .yolo
        case .endToEnd: return .yoloEndToEnd
        case .rows: return .yolov5
        case nil: return nil
        }
    }

    /// Creates the decoder for a model file.
    ///
    /// - Parameters:
    ///   - settings: the settings from the files next to the model.
    ///   - usesSquareInput: whether networks with a dynamic input shape get the full square rather than the smallest
    ///     rectangle around the image.
    /// - Throws: `SegmentationError`, which states what was found and what was expected.
    public static func model(
        for description: ModelDescription, settings: ModelSettings = ModelSettings(), usesSquareInput: Bool = false
    ) throws -> any SegmentationModel {
        try description.checkLimits()
        let configuration = try ModelConfiguration(metadata: description.metadata, settings: settings)
        guard let family = recognized(in: description, configuration) else {
            try YOLOSegmentation.requireChannelsFirst(description)
            // Whatever tools write as the task, a file whose outputs are those of a family has masks.
            if let task = configuration.task, task != "segment" {
                throw SegmentationError.invalidConfiguration(
                    "This is a model for the task '\(task.excerpt())', without the outputs of any supported family; "
                        + "instance segmentation needs masks. Found: \(description.summary)")
            }
            throw SegmentationError.unrecognizedModel(
                found: description.summary, expected: allCases.map(\.layout).joined(separator: "; "))
        }
        return try family.model(description, configuration, usesSquareInput)
    }

    private func model(
        _ description: ModelDescription, _ configuration: ModelConfiguration, _ square: Bool
    ) throws -> any SegmentationModel {
        func yolo(_ layout: YOLOLayout) throws -> any SegmentationModel {
            try YOLOSegmentation.model(
                description, configuration, layout: layout, family: self, usesSquareInput: square)
        }
        func query(_ kind: QuerySegmentation.Kind) throws -> any SegmentationModel {
            try QuerySegmentation.model(description, configuration, kind: kind, family: self, usesSquareInput: square)
        }
        return switch self {
        case .yolo, .fastSAM: try yolo(.columns)
        case .yoloEndToEnd: try yolo(.endToEnd)
        case .yolov5: try yolo(.rows)
        case .rfdetr: try RFDETRSegmentation.model(description, configuration, usesSquareInput: square)
        case .rtmdetIns where RTMDetHeadsSegmentation.recognizes(description):
            try RTMDetHeadsSegmentation.model(description, configuration, usesSquareInput: square)
        case .rtmdetIns: try RTMDetSegmentation.model(description, configuration, usesSquareInput: square)
        case .maskRCNN: try MaskRCNNSegmentation.model(description, configuration, usesSquareInput: square)
        case .detectron2: try RegionSegmentation.detectron2(description, configuration, usesSquareInput: square)
        case .mmdeploy: try RegionSegmentation.mmdeploy(description, configuration, usesSquareInput: square)
        case .yolact: try YOLACTSegmentation.model(description, configuration, usesSquareInput: square)
        case .dfine: try DFINESegmentation.model(description, configuration, usesSquareInput: square)
        case .ec: try ECSegmentation.model(description, configuration, usesSquareInput: square)
        case .yolo9: try YOLO9Segmentation.model(description, configuration, usesSquareInput: square)
        case .mask2former: try query(.mask2former)
        case .maskformer: try query(.maskformer)
        case .eomt: try query(.eomt)
        }
    }
}
