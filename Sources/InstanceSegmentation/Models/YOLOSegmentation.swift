public import Imaging

/// YOLOv8, YOLO11, YOLO12 and what shares their output: a column for each anchor, and prototypes of masks.
///
/// - `boxes` `[1, 4 + classes + coefficients, anchors]`: centre x, centre y, width, height in network pixels, a
///   probability for each class, a coefficient for each prototype.
/// - `prototypes` `[1, coefficients, height / 4, width / 4]`.
///
/// Source: Ultralytics, `SegmentationPredictor` and `ops.non_max_suppression`.
public struct YOLOSegmentation: SegmentationModel {
    public let family = ModelFamily.yolo
    public let classNames: [String]
    private let input: NetworkInput
    private let boxes: String
    private let prototypes: String

    /// Whether the outputs are one of rank 3 with more rows than boxes and coefficients, and one of rank 4.
    static func fits(_ model: ModelDescription) -> Bool {
        guard let rows = boxOutput(model)?.shape[1].length, let masks = prototypeOutput(model)?.shape[1].length else {
            return false
        }
        return rows > 4 + masks
    }

    private static func boxOutput(_ model: ModelDescription) -> TensorDescription? {
        model.outputs.first { $0.shape.count == 3 }
    }

    private static func prototypeOutput(_ model: ModelDescription) -> TensorDescription? {
        let found = model.outputs.filter { $0.shape.count == 4 }
        return found.count == 1 ? found[0] : nil
    }

    init(_ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool) throws {
        guard let boxes = Self.boxOutput(model), let prototypes = Self.prototypeOutput(model),
            let rows = boxes.shape[1].length, let coefficients = prototypes.shape[1].length
        else { throw SegmentationError.unrecognizedModel(found: model.summary, expected: ModelFamily.yolo.layout) }
        input = try NetworkInput(model, configuration, usesSquareInput: usesSquareInput)
        classNames = configuration.classNames(count: rows - 4 - coefficients)
        self.boxes = boxes.name
        self.prototypes = prototypes.name
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
        let rows = try result.output(boxes)
        let masks = try PrototypeMasks(try result.output(prototypes), transform: transform)
        let expected = 4 + classNames.count + masks.count
        guard rows.shape.count == 3, rows.shape[0] == 1, rows.shape[1] == expected else {
            throw SegmentationError.unexpectedShape(
                tensor: boxes, found: rows.shape, expected: "[1, \(expected), anchors]")
        }
        let columns = AnchorColumns(classCount: classNames.count, anchorCount: rows.shape[2])
        return rows.withElements { elements in
            let kept = nonMaximumSuppression(
                columns.candidates(in: elements, confidence: options.confidence), iouThreshold: options.overlap,
                isClassAgnostic: options.isClassAgnostic, most: options.maxDetections)
            return kept.compactMap { candidate in
                let name = classNames[candidate.classID]
                if let wanted = options.classes, !wanted.contains(name) { return nil }
                let box = transform.imageBox(candidate.box)
                let mask = masks.mask(
                    coefficients: (0..<masks.count).map { columns.coefficient($0, of: candidate, in: elements) },
                    box: box)
                guard !mask.isEmpty else { return nil }
                return Detection(
                    classID: candidate.classID, className: name, confidence: candidate.confidence, box: box, mask: mask)
            }
        }
    }
}

/// The planar layout of YOLOv8's box output: row r of anchor a stands at `r * anchorCount + a`.
private struct AnchorColumns {
    let classCount: Int
    let anchorCount: Int

    /// The anchors whose best class reaches the confidence. Of equal classes the first counts; NaN counts never.
    func candidates(in elements: UnsafeBufferPointer<Float>, confidence: Float) -> [Candidate] {
        guard let rows = elements.baseAddress, anchorCount > 0 else { return [] }
        // Class after class over all anchors: contiguous, and vectorised by the compiler.
        let best = [Float](unsafeUninitializedCapacity: anchorCount) { best, count in
            guard let best = best.baseAddress else { return }
            best.initialize(repeating: -.infinity, count: anchorCount)
            for classID in 0..<classCount {
                let scores = rows + (4 + classID) * anchorCount
                for a in 0..<anchorCount { best[a] = scores[a] > best[a] ? scores[a] : best[a] }
            }
            count = anchorCount
        }
        var candidates: [Candidate] = []
        for a in 0..<anchorCount where best[a] >= confidence {
            guard let classID = (0..<classCount).first(where: { rows[(4 + $0) * anchorCount + a] == best[a] }) else {
                continue
            }
            let (x, y) = (Double(rows[a]), Double(rows[anchorCount + a]))
            let (width, height) = (Double(rows[2 * anchorCount + a]), Double(rows[3 * anchorCount + a]))
            guard x.isFinite, y.isFinite, width.isFinite, height.isFinite else { continue }
            candidates.append(
                Candidate(
                    box: BoundingBox(centerX: x, centerY: y, width: width, height: height), confidence: best[a],
                    classID: classID, index: a))
        }
        return candidates
    }

    func coefficient(_ k: Int, of candidate: Candidate, in elements: UnsafeBufferPointer<Float>) -> Float {
        elements[(4 + classCount + k) * anchorCount + candidate.index]
    }
}

extension ImageTransform {
    /// A box of the network in image pixels, clipped to the image.
    func imageBox(_ box: BoundingBox) -> BoundingBox {
        BoundingBox(x1: imageX(box.x1), y1: imageY(box.y1), x2: imageX(box.x2), y2: imageY(box.y2))
            .clipped(width: Double(imageSize.width), height: Double(imageSize.height))
    }
}
