import Imaging

/// YOLO networks with prototypes of masks: YOLOv5 to YOLO26, FastSAM, YOLOE.
///
/// - A box output in one of three layouts (`YOLOLayout`), in network pixels; or the heads before it (`YOLOHeads`).
/// - `prototypes` `[1, coefficients, height / 4, width / 4]`.
///
/// Source: Ultralytics, `SegmentationPredictor` and `ops.non_max_suppression`; YOLOv5, `segment/predict.py`.
struct YOLOSegmentation: OutputDecoder {
    let layout: YOLOLayout
    let ranksByObjectness: Bool
    private let boxes: String
    private let prototypes: String
    private let heads: RawHeads?
    /// Number of class slots; `nil` for finished rows, which do not tell it.
    let slots: Int?
    private let isFastSAM: Bool

    static func boxOutput(_ model: ModelDescription) -> TensorDescription? {
        model.outputs.first { $0.shape.count == 3 }
    }

    static func prototypeOutput(_ model: ModelDescription) -> TensorDescription? {
        model.outputs.last { $0.shape.count == 4 }
    }

    /// Prototypes `[1, height, width, coefficients]`, as networks that come from TensorFlow have them; `nil` where there are none,
    /// or where the size of the input is not known. Both sides are the input's by one whole number.
    static func prototypesWithChannelLast(_ model: ModelDescription) -> TensorDescription? {
        // YOLACT's three outputs with rows come with prototypes that have the channel last.
        guard let size = model.imageSize, (1...2).contains(model.outputs.count { $0.shape.count == 3 }),
            let prototypes = prototypeOutput(model)
        else { return nil }
        let lengths = prototypes.shape.map(\.length)
        func isShrunk(_ height: Int?, _ width: Int?) -> Bool {
            guard let height, let width, height > 0, width > 0 else { return false }
            return size.height % height == 0 && size.width % width == 0 && size.height / height == size.width / width
        }
        return isShrunk(lengths[1], lengths[2]) && !isShrunk(lengths[2], lengths[3]) ? prototypes : nil
    }

    /// Refuses prototypes with the channel last. Such files differ in more than that: in boxes of 0...1 and in the order of
    /// outputs.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    static func requireChannelsFirst(_ model: ModelDescription) throws {
        guard let prototypes = prototypesWithChannelLast(model) else { return }
        throw SegmentationError.invalidConfiguration(
            "The prototypes are \(prototypes), with the channel last, as networks have that were converted to TensorFlow; "
                + "[batch, coefficients, height, width] is supported. Export the model to ONNX from its own framework.")
    }

    /// The model of a file in one of the layouts.
    static func model(
        _ model: ModelDescription, _ configuration: ModelConfiguration, layout: YOLOLayout, family: ModelFamily,
        usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        let decoder = try YOLOSegmentation(model, configuration, layout: layout, family: family)
        return DecodedModel(
            family, decoder, input: try NetworkInput(model, configuration, usesSquareInput: usesSquareInput),
            classes: try ClassMap(slots: decoder.slots, configuration), configuration)
    }

    private init(
        _ model: ModelDescription, _ configuration: ModelConfiguration, layout: YOLOLayout, family: ModelFamily
    ) throws {
        try Self.requireChannelsFirst(model)
        heads = model.heads
        ranksByObjectness = configuration.settings.suppression == .roboflow
        isFastSAM = family == .fastSAM
        self.layout = layout
        if let heads = model.heads {
            guard let classes = model.outputs.first(where: { $0.name == heads.levels[0].classes }),
                classes.shape.count == 4,
                let slots = classes.shape[1].length, slots > 0
            else { throw SegmentationError.unrecognizedModel(found: model.summary, expected: family.layout) }
            boxes = ""
            prototypes = heads.prototypes
            self.slots = slots
            return
        }
        let named = configuration.settings.outputs
        func output(_ role: String, _ standard: TensorDescription?) -> TensorDescription? {
            named?[role].flatMap { name in model.outputs.first { $0.name == name } } ?? standard
        }
        guard let boxes = output("boxes", Self.boxOutput(model)),
            let prototypes = output("prototypes", Self.prototypeOutput(model)), prototypes.shape.count == 4,
            boxes.shape.count == 3, let coefficients = prototypes.shape[1].length
        else { throw SegmentationError.unrecognizedModel(found: model.summary, expected: family.layout) }
        self.boxes = boxes.name
        self.prototypes = prototypes.name
        let slots: Int? =
            switch layout {
            case .columns: boxes.shape[1].length.map { $0 - 4 - coefficients }
            case .rows: boxes.shape[2].length.map { $0 - 5 - coefficients }
            case .endToEnd: nil
            }
        self.slots = slots
        guard layout != .endToEnd else { return }
        guard let slots else {
            throw SegmentationError.invalidConfiguration(
                "The number of classes cannot be told from the declared shapes; a run shows it. \(model.summary)")
        }
        guard slots > 0 else {
            throw SegmentationError.invalidConfiguration(
                "The outputs have no room for a class in addition to \(coefficients) coefficients. \(model.summary)")
        }
    }

    /// FastSAM's own values are of its documentation.
    var recommendedConfidence: Float { isFastSAM ? 0.4 : 0.25 }
    var recommendedIoU: Double? { isFastSAM ? 0.9 : nil }
    /// Ready rows went through suppression in the graph.
    var requiresNMS: Bool { layout != .endToEnd }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        if let heads {
            return try YOLOHeads(heads, slots: slots ?? 0, in: result, transform: transform).candidates(
                confidence: confidence)
        }
        let tensor = try result.output(boxes)
        let output = try output(tensor, coefficients: try coefficientCount(result))
        return tensor.withElements { elements in
            layout.candidates(in: output(elements), confidence: confidence, ranksByObjectness: ranksByObjectness)
        }
    }

    /// FastSAM's boxes stick to borders of the image that are near, and one that is almost the image becomes the image.
    ///
    /// Source: Ultralytics, `FastSAMPredictor.postprocess` and `adjust_bboxes_to_image_border`.
    func reportedBox(_ box: BoundingBox, in imageSize: ImageSize) -> BoundingBox {
        guard isFastSAM else { return box }
        let (width, height, near) = (Double(imageSize.width), Double(imageSize.height), 20.0)
        let stuck = BoundingBox(
            x1: box.x1 < near ? 0 : box.x1, y1: box.y1 < near ? 0 : box.y1,
            x2: box.x2 > width - near ? width : box.x2, y2: box.y2 > height - near ? height : box.y2)
        let image = BoundingBox(x1: 0, y1: 0, x2: width, y2: height)
        return image.iou(with: stuck) > 0.9 ? image : stuck
    }

    /// Whether an export is one of FastSAM's, which has one class, `object`, and says what it is nowhere but in its name.
    static func isFastSAM(_ model: ModelDescription, _ configuration: ModelConfiguration) -> Bool {
        guard configuration.names == [0: "object"] else { return false }
        return [configuration.settings.givenName, model.metadata["description"]]
            .contains { $0?.lowercased().contains("fastsam") == true }
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> Masks {
        let prototypes = try PrototypeMasks(
            try result.output(prototypes), transform: transform, resolution: resolution)
        let count = prototypes.count
        if let heads {
            let heads = try YOLOHeads(heads, slots: slots ?? 0, in: result, transform: transform)
            try heads.requireCoefficients(count)
            return Masks(prototypes: prototypes) { heads.coefficients(of: $0, count: count) }
        }
        let tensor = try result.output(boxes)
        let output = try output(tensor, coefficients: count)
        return Masks(prototypes: prototypes) { [layout] candidate in
            tensor.withElements { elements in
                let output = output(elements)
                return (0..<count).map { layout.coefficient($0, of: candidate, in: output) }
            }
        }
    }

    /// Masks by the coefficients that stand with a box.
    struct Masks: InstanceMasks {
        fileprivate let prototypes: PrototypeMasks
        /// One a prototype.
        fileprivate let coefficients: (Candidate) -> [Float]

        func mask(of candidate: Candidate) -> Mask {
            prototypes.mask(coefficients: coefficients(candidate), networkBox: candidate.box)
        }
    }

    private func coefficientCount(_ result: InferenceResult) throws -> Int {
        let shape = try result.output(prototypes).shape
        guard shape.count == 4 else {
            throw SegmentationError.unexpectedShape(
                tensor: prototypes, found: shape, expected: "[1, coefficients, height, width]")
        }
        return shape[1]
    }

    /// How the elements of the box output are read.
    private func output(
        _ tensor: Tensor, coefficients: Int
    ) throws -> (UnsafeBufferPointer<Float>) -> YOLOBoxes {
        let slots = slots ?? 0
        let expected = layout.width(classCount: slots) + coefficients
        let isPlanar = layout == .columns
        let shape = tensor.shape
        guard shape.count == 3, shape[0] == 1, shape[isPlanar ? 1 : 2] == expected else {
            throw SegmentationError.unexpectedShape(
                tensor: boxes, found: shape,
                expected: isPlanar ? "[1, \(expected), anchors]" : "[1, boxes, \(expected)]")
        }
        let count = shape[isPlanar ? 2 : 1]
        return { YOLOBoxes(elements: $0, count: count, stride: expected, classCount: slots) }
    }
}
