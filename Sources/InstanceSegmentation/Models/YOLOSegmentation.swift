public import Imaging

/// YOLO networks with prototypes of masks: YOLOv5 to YOLO26, FastSAM, YOLOE.
///
/// - A box output in one of three layouts (`YOLOLayout`), in network pixels.
/// - `prototypes` `[1, coefficients, height / 4, width / 4]`.
///
/// Source: Ultralytics, `SegmentationPredictor` and `ops.non_max_suppression`; YOLOv5, `segment/predict.py`.
public struct YOLOSegmentation: SegmentationModel {
    public let family: ModelFamily
    public let classNames: [String]
    private let input: NetworkInput
    private let layout: YOLOLayout
    private let boxes: String
    private let prototypes: String

    static func boxOutput(_ model: ModelDescription) -> TensorDescription? {
        model.outputs.first { $0.shape.count == 3 }
    }

    static func prototypeOutput(_ model: ModelDescription) -> TensorDescription? {
        let found = model.outputs.filter { $0.shape.count == 4 }
        return found.count == 1 ? found[0] : nil
    }

    init(
        _ model: ModelDescription, _ configuration: ModelConfiguration, family: ModelFamily, layout: YOLOLayout,
        usesSquareInput: Bool
    ) throws {
        guard let boxes = Self.boxOutput(model), let prototypes = Self.prototypeOutput(model),
            let coefficients = prototypes.shape[1].length
        else { throw SegmentationError.unrecognizedModel(found: model.summary, expected: family.layout) }
        self.family = family
        self.layout = layout
        self.boxes = boxes.name
        self.prototypes = prototypes.name
        input = try NetworkInput(model, configuration, usesSquareInput: usesSquareInput)
        let classCount: Int? =
            switch layout {
            case .columns: boxes.shape[1].length.map { $0 - 4 - coefficients }
            case .rows: boxes.shape[2].length.map { $0 - 5 - coefficients }
            case .readyRows: configuration.names.keys.max().map { $0 + 1 }
            }
        guard let classCount, classCount > 0 else {
            throw SegmentationError.invalidConfiguration(
                "The number of classes is unknown: the file has no names, and its outputs do not tell. \(model.summary)"
            )
        }
        classNames = configuration.classNames(count: classCount)
    }

    public func transform(for imageSize: ImageSize) -> ImageTransform {
        input.letterbox(imageSize)
    }

    public func preprocess(_ image: Image) throws -> ModelInput {
        let transform = transform(for: image.fullSize)
        let size = transform.networkSize
        let tensor = Tensor(
            shape: [1, 3, size.height, size.width], elements: image.planarFloats(transform: transform, padding: 114))
        return ModelInput(tensors: [input.name: tensor], transform: transform)
    }

    public func postprocess(
        _ result: InferenceResult, transform: ImageTransform, options: PredictionOptions
    ) throws -> [Detection] {
        let tensor = try result.output(boxes)
        let masks = try PrototypeMasks(
            try result.output(prototypes), transform: transform, resolution: options.maskResolution)
        let expected = layout.width(classCount: classNames.count) + masks.count
        let isPlanar = layout == .columns
        guard tensor.shape.count == 3, tensor.shape[0] == 1, tensor.shape[isPlanar ? 1 : 2] == expected else {
            throw SegmentationError.unexpectedShape(
                tensor: boxes, found: tensor.shape,
                expected: isPlanar ? "[1, \(expected), anchors]" : "[1, boxes, \(expected)]")
        }
        return tensor.withElements { elements in
            let output = YOLOBoxes(
                elements: elements, count: tensor.shape[isPlanar ? 2 : 1], stride: expected,
                classCount: classNames.count)
            return kept(output, options).compactMap { candidate in
                let name = classNames[candidate.classID]
                if let wanted = options.classes, !wanted.contains(name) { return nil }
                let box = transform.imageBox(candidate.box)
                let coefficients = (0..<masks.count).map { layout.coefficient($0, of: candidate, in: output) }
                let mask = masks.mask(coefficients: coefficients, networkBox: candidate.box)
                guard !mask.isEmpty else { return nil }
                return Detection(
                    classID: candidate.classID, className: name, confidence: candidate.confidence, box: box, mask: mask)
            }
        }
    }

    /// The candidates that are left after suppression; ready rows went through it in the graph.
    private func kept(_ output: YOLOBoxes, _ options: PredictionOptions) -> [Candidate] {
        nonMaximumSuppression(
            layout.candidates(in: output, confidence: options.confidence),
            iouThreshold: layout == .readyRows ? 1 : options.overlap, isClassAgnostic: options.isClassAgnostic,
            most: options.maxDetections)
    }
}

extension ImageTransform {
    /// A box of the network in image pixels, clipped to the image.
    func imageBox(_ box: BoundingBox) -> BoundingBox {
        BoundingBox(x1: imageX(box.x1), y1: imageY(box.y1), x2: imageX(box.x2), y2: imageY(box.y2))
            .clipped(width: Double(imageSize.width), height: Double(imageSize.height))
    }
}
