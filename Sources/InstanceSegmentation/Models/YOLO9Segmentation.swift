import Imaging

/// YOLOv9-seg as LibreYOLO up to 1.2 exports it: YOLO's columns with corners, and coefficients in an output of their own.
///
/// - `predictions` `[1, 4 + classes, anchors]`: corners in network pixels, class probabilities.
/// - `proto` `[1, coefficients, height / 4, width / 4]`.
/// - `mask_coeffs` `[1, coefficients, anchors]`.
///
/// The image is at the top left of the input, its sides cut to whole pixels; boxes are divided by the uncut ratio. Masks are probabilities, cut
/// off at the box among the prototypes' cells, and resized twice.
///
/// Source: LibreYOLO 1.2, `backends/base.py`, `_parse_yolo9`; `models/yolo9/utils.py`, `_process_masks`.
struct YOLO9Segmentation: OutputDecoder {
    private let slots: Int

    private static let ranks = ["predictions": 3, "proto": 4, "mask_coeffs": 3]

    static func recognizes(_ model: ModelDescription) -> Bool {
        ranks == Dictionary(model.outputs.map { ($0.name, $0.shape.count) }) { first, _ in first }
    }

    static func model(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool
    ) throws -> any SegmentationModel {
        let rows = model.outputs.first { $0.name == "predictions" }?.shape
        guard recognizes(model), let width = rows?[1].length, width > 4 else {
            throw SegmentationError.unrecognizedModel(found: model.summary, expected: ModelFamily.yolo9.layout)
        }
        let defaults = InputDefaults(resize: .letterboxTopLeft, rounding: .truncated)
        return DecodedModel(
            .yolo9, YOLO9Segmentation(slots: width - 4),
            input: try NetworkInput(model, configuration, usesSquareInput: usesSquareInput, defaults: defaults),
            classes: try ClassMap(slots: width - 4, configuration), configuration)
    }

    private init(slots: Int) { self.slots = slots }

    var recommendedConfidence: Float { LibreYOLOExport.confidence }
    var recommendedIoU: Double? { LibreYOLOExport.overlap }
    var requiresNMS: Bool { true }
    var isClassAgnostic: Bool { true }

    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate] {
        let tensor = try predictions(result)
        let count = tensor.shape[2]
        let (part, shown, network) = (transform.resizedSize, transform.crop.size, transform.networkSize)
        let ratio = min(
            Double(network.width) / Double(shown.width), Double(network.height) / Double(shown.height))
        // What `ImageTransform` divides by is the ratio of the cut sides.
        let (across, down) = (
            Double(part.width) / (Double(shown.width) * ratio), Double(part.height) / (Double(shown.height) * ratio)
        )
        return tensor.withElements { elements in
            let columns = YOLOBoxes(elements: elements, count: count, stride: 4 + slots, classCount: slots)
            return YOLOLayout.columns.candidates(in: columns, confidence: confidence).map { candidate in
                var candidate = candidate
                func corner(_ k: Int, _ scale: Double, _ side: Int) -> Double {
                    let place = Double(elements[k * count + candidate.index]) * scale
                    return place.isFinite ? min(max(place, 0), Double(side)) : place
                }
                candidate.box = BoundingBox(
                    x1: corner(0, across, part.width), y1: corner(1, down, part.height),
                    x2: corner(2, across, part.width), y2: corner(3, down, part.height))
                return candidate
            }
        }
    }

    private func predictions(_ result: InferenceResult) throws -> Tensor {
        let tensor = try result.output("predictions")
        guard tensor.shape.count == 3, tensor.shape[0] == 1, tensor.shape[1] == 4 + slots else {
            throw SegmentationError.unexpectedShape(
                tensor: "predictions", found: tensor.shape, expected: "[1, \(4 + slots), anchors]")
        }
        return tensor
    }

    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> Masks {
        let (boxes, maps) = (try predictions(result), try result.output("proto"))
        let prototypes = try PrototypeMasks(maps, transform: transform, resolution: resolution)
        let coefficients = try result.output("mask_coeffs")
        guard coefficients.shape == [1, prototypes.count, boxes.shape[2]] else {
            throw SegmentationError.unexpectedShape(
                tensor: "mask_coeffs", found: coefficients.shape,
                expected: "[1, \(prototypes.count), \(boxes.shape[2])]")
        }
        return Masks(
            boxes: boxes, coefficients: coefficients, prototypes: prototypes,
            enlarged: EnlargedMasks(
                cells: ImageSize(width: maps.shape[3], height: maps.shape[2]), transform: transform,
                resolution: resolution), networkSize: transform.networkSize)
    }

    /// Probabilities inside a box among the prototypes' cells, enlarged.
    struct Masks: InstanceMasks {
        fileprivate let boxes: Tensor
        fileprivate let coefficients: Tensor
        fileprivate let prototypes: PrototypeMasks
        fileprivate let enlarged: EnlargedMasks
        fileprivate let networkSize: ImageSize

        func mask(of candidate: Candidate) -> Mask {
            let (count, cells) = (boxes.shape[2], enlarged.cells)
            let corners = boxes.withElements { elements in (0..<4).map { elements[$0 * count + candidate.index] } }
            let weights = coefficients.withElements { elements in
                (0..<prototypes.count).map { elements[$0 * count + candidate.index] }
            }
            var map = [Float](repeating: 0, count: cells.area)
            let scaleX = Float(cells.width) / Float(networkSize.width)
            let scaleY = Float(cells.height) / Float(networkSize.height)
            let columns = inside(corners[0] * scaleX, corners[2] * scaleX, cells.width)
            let rows = inside(corners[1] * scaleY, corners[3] * scaleY, cells.height)
            if !columns.isEmpty, !rows.isEmpty {
                let window = MaskSampler.Window(
                    columns: columns.lowerBound...columns.upperBound - 1, rows: rows.lowerBound...rows.upperBound - 1)
                let logits = prototypes.logits(weights, in: window)
                for (i, row) in rows.enumerated() {
                    for (j, column) in columns.enumerated() {
                        map[row * cells.width + column] = sigmoid(logits[i * columns.count + j])
                    }
                }
            }
            // A cell's value reaches to the centers of its neighbors.
            let reach = (
                Double(networkSize.width) / Double(cells.width), Double(networkSize.height) / Double(cells.height)
            )
            let box = BoundingBox(
                x1: Double(columns.lowerBound - 1) * reach.0, y1: Double(rows.lowerBound - 1) * reach.1,
                x2: Double(columns.upperBound + 1) * reach.0, y2: Double(rows.upperBound + 1) * reach.1)
            return map.withUnsafeBufferPointer { enlarged.mask($0, within: box, threshold: 0.5) }
        }

        /// The cells with `from <= cell < to`.
        private func inside(_ from: Float, _ to: Float, _ cells: Int) -> Range<Int> {
            func edge(_ place: Float) -> Int { place > 0 ? Int(min(place.rounded(.up), Float(cells))) : 0 }
            let (first, end) = (edge(from), edge(to))
            return first..<max(first, end)
        }
    }
}
