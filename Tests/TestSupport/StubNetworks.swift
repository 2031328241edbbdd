public import InstanceSegmentation

/// A network of one family that answers what a test says, in the shapes that the family's decoder expects.
public struct StubNetwork: Sendable, CustomStringConvertible {
    public let description: String
    public let model: ModelDescription
    public let settings: ModelSettings
    /// Shapes of the outputs by their names.
    public let shapes: [String: [Int]]

    private init(
        _ name: String, _ outputs: [(name: String, shape: [Int])], integers: Set<String> = [],
        metadata: [String: String] = [:], family: ModelFamily? = nil, heads: RawHeads? = nil,
        followsReference: Bool? = nil
    ) {
        func tensor(_ name: String, _ shape: [Int]) -> TensorDescription {
            TensorDescription(
                name: name, elementType: integers.contains(name) ? .int64 : .float32, shape: shape.map { .fixed($0) })
        }
        description = name
        var model = ModelDescription(
            inputs: [tensor("images", [1, 3, 64, 64])], outputs: outputs.map { tensor($0.name, $0.shape) },
            metadata: metadata)
        model.heads = heads
        self.model = model
        var settings = ModelSettings()
        settings.family = family
        settings.followsReference = followsReference
        self.settings = settings
        shapes = Dictionary(uniqueKeysWithValues: outputs.map { ($0.name, $0.shape) })
    }

    /// One of every layout that can be decoded.
    public static let all: [StubNetwork] = {
        let prototypes = (name: "output1", shape: [1, 2, 16, 16])
        let queries = [
            (name: "class_queries_logits", shape: [1, 5, 3]), (name: "masks_queries_logits", shape: [1, 5, 16, 16]),
        ]
        let names = ["names": "['a', 'b']", "task": "segment"]
        let raw = [
            (name: "pred_logits", shape: [1, 5, 2]), (name: "pred_boxes", shape: [1, 5, 4]),
            (name: "pred_masks", shape: [1, 5, 16, 16]),
        ]
        func libreYOLO(_ family: String) -> [String: String] {
            ["libreyolo_version": "1.6.0", "model_family": family]
        }
        return [
            StubNetwork("yolo", [(name: "output0", shape: [1, 8, 10]), prototypes], metadata: names),
            StubNetwork(
                "yolo heads",
                [
                    (name: "b", shape: [1, 64, 8, 8]), (name: "c", shape: [1, 2, 8, 8]),
                    (name: "m", shape: [1, 2, 8, 8]),
                    prototypes,
                ],
                metadata: names,
                heads: RawHeads(
                    levels: [RawHeads.Level(boxes: "b", classes: "c", coefficients: "m")], prototypes: "output1")),
            StubNetwork(
                "fastsam", [(name: "output0", shape: [1, 7, 10]), prototypes],
                metadata: ["names": "{0: 'object'}", "description": "FastSAM"]),
            StubNetwork(
                "yolov5", [(name: "output0", shape: [1, 12, 9]), prototypes], metadata: names, family: .yolov5),
            StubNetwork(
                "yolo-end2end", [(name: "output0", shape: [1, 6, 8]), prototypes],
                metadata: names.merging(["end2end": "True"]) { $1 }),
            StubNetwork(
                "rfdetr",
                [
                    (name: "dets", shape: [1, 5, 4]), (name: "labels", shape: [1, 5, 3]),
                    (name: "masks", shape: [1, 5, 16, 16]),
                ]),
            StubNetwork(
                "rtmdet-ins",
                [
                    (name: "dets", shape: [1, 5, 5]), (name: "labels", shape: [1, 5]),
                    (name: "masks", shape: [1, 5, 64, 64]),
                ]),
            StubNetwork(
                "rtmdet-ins heads",
                [
                    (name: "c", shape: [1, 2, 8, 8]), (name: "b", shape: [1, 4, 8, 8]),
                    (name: "k", shape: [1, 169, 8, 8]), (name: "f", shape: [1, 8, 8, 8]),
                ]),
            StubNetwork(
                "mmdeploy",
                [
                    (name: "dets", shape: [1, 5, 5]), (name: "labels", shape: [1, 5]),
                    (name: "masks", shape: [1, 5, 28, 28]),
                ]),
            StubNetwork(
                "maskrcnn",
                [
                    (name: "boxes", shape: [5, 4]), (name: "labels", shape: [5]), (name: "scores", shape: [5]),
                    (name: "masks", shape: [5, 1, 64, 64]),
                ]),
            StubNetwork(
                "detectron2",
                [
                    (name: "1", shape: [5, 4]), (name: "2", shape: [5]), (name: "3", shape: [5, 1, 28, 28]),
                    (name: "4", shape: [5]), (name: "5", shape: [2]),
                ], integers: ["2", "5"]),
            StubNetwork(
                "yolact",
                [
                    (name: "loc", shape: [1, 6, 4]), (name: "conf", shape: [1, 6, 3]),
                    (name: "mask", shape: [1, 6, 5]),
                    (name: "priors", shape: [6, 4]), (name: "proto", shape: [1, 8, 8, 5]),
                ]),
            StubNetwork(
                "dfine",
                [
                    (name: "labels", shape: [1, 5]), (name: "boxes", shape: [1, 5, 4]),
                    (name: "scores", shape: [1, 5]),
                    (name: "masks", shape: [1, 5, 16, 16]),
                ]),
            StubNetwork("dfine raw", raw),
            StubNetwork("dfine of LibreYOLO", raw, metadata: libreYOLO("dfine")),
            StubNetwork("ec", raw, metadata: libreYOLO("ec")),
            StubNetwork(
                "yolo9",
                [
                    (name: "predictions", shape: [1, 6, 10]), (name: "proto", shape: [1, 2, 16, 16]),
                    (name: "mask_coeffs", shape: [1, 2, 10]),
                ], metadata: libreYOLO("yolo9")),
            StubNetwork("mask2former", queries, family: .mask2former),
            StubNetwork("maskformer", queries, family: .maskformer, followsReference: true),
            StubNetwork("eomt", queries, family: .eomt),
            StubNetwork("eomt as its own code", queries, family: .eomt, followsReference: true),
        ]
    }()

    /// A segmenter over the network.
    /// - Parameter answer: the number at an index of an output.
    public func segmenter(_ answer: @escaping @Sendable (_ output: String, _ index: Int) -> Float) throws -> Segmenter {
        let shapes = shapes
        return try segmenter {
            shapes.reduce(into: [:]) { outputs, entry in
                let count = entry.value.reduce(1, *)
                outputs[entry.key] = Tensor(
                    shape: entry.value, elements: (0..<count).map { answer(entry.key, $0) })
            }
        }
    }

    /// A segmenter over the network with outputs in any shapes.
    public func segmenter(_ outputs: @escaping @Sendable () -> [String: Tensor]) throws -> Segmenter {
        try Segmenter(session: StubSession(model: model) { _ in outputs() }, settings: settings)
    }
}

extension Float {
    /// Numbers that a sound network never gives, and some that it does.
    public static let strange: [Float] = [
        .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, 1e30,
        -1e30, 65504, 37.5, -5, -0.5, 0, 0.5, 0.9, 0.95, 1, 2, 10.5, 32, 40, 63.5,
    ]
}
