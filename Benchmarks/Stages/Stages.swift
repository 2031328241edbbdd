import AnnotationFormats
import Foundation
import ImageCodecs
import Imaging
import HTTPServer
import InstanceSegmentation
import NIOCore

/// Runs one of the stages around the network again and again, for tools that count instructions or allocations.
///
///     stages STAGE ITERATIONS PICTURE
///
/// The network is none: 80 classes, 32 prototypes and 8,400 anchors as YOLOv8-seg answers them for 640 x 640, with twelve round objects
/// of three anchors each. Everything is the same in every run.
@main enum Stages {
    static let names = ["base64", "decode", "preprocess", "postprocess", "encode"]

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, names.contains(arguments[1]), let iterations = Int(arguments[2]) else {
            FileHandle.standardError.write(Data("usage: stages \(names.joined(separator: "|")) ITERATIONS PICTURE\n".utf8))
            exit(64)
        }
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: arguments[3])))
        let text = ByteBuffer(string: Data(bytes).base64EncodedString())
        let type = "application/x-www-form-urlencoded"  // what curl -d says
        let model = try ModelFamily.model(for: description)
        func decode() throws -> RasterImage {
            try bytes.withUnsafeBytes {
                try RasterImage(decoding: $0, limits: ImageLimits(), minimumSize: { model.transform(for: $0).minimumSourceSize })
            }
        }
        let image = try decode()
        let transform = try model.preprocess(image).transform
        let outputs = result(anchors: 8400)
        let found = try model.postprocess(outputs, transform: transform, options: PredictionOptions())
        precondition(found.count == 12, "the network's answer has twelve objects, not \(found.count)")
        let segmentation = Segmentation(imageSize: image.originalSize, detections: found, timing: StageTiming())

        var sum = 0
        for _ in 0..<iterations {
            switch arguments[1] {
            case "base64":
                guard case .data(let data) = try ImageBody(text, contentType: type).image else { exit(1) }
                sum += data.count
            case "decode": sum += try decode().size.width
            case "preprocess": sum += try model.preprocess(image).tensors.count
            case "postprocess":
                sum += try model.postprocess(outputs, transform: transform, options: PredictionOptions()).count
            default: sum += PredictionResponse(segmentation).json().count
            }
        }
        print("\(arguments[1]) \(iterations) \(sum)")
    }

    /// What an export of YOLOv8-seg says of itself.
    static let description = ModelDescription(
        inputs: [
            TensorDescription(
                name: "images", elementType: .float32, shape: [.fixed(1), .fixed(3), .fixed(640), .fixed(640)])
        ],
        outputs: [
            TensorDescription(name: "output0", elementType: .float32, shape: [.fixed(1), .fixed(116), .fixed(8400)]),
            TensorDescription(
                name: "output1", elementType: .float32, shape: [.fixed(1), .fixed(32), .fixed(160), .fixed(160)]),
        ],
        metadata: [
            "task": "segment", "imgsz": "[640, 640]", "stride": "32",
            "names": "{" + (0..<80).map { "\($0): 'class \($0)'" }.joined(separator: ", ") + "}",
        ])

    /// What a network might answer: prototypes that are waves of different lengths, and objects of which each is where one is high.
    static func result(anchors: Int) -> InferenceResult {
        var rows = [Float](repeating: 0.001, count: 116 * anchors)
        for object in 0..<12 {
            let (x, y) = (Float(80 + 160 * (object % 4)), Float(180 + 140 * (object / 4)))
            for copy in 0..<3 {
                let anchor = 700 * object + 20 * copy
                let box: [Float] = [x + Float(copy), y, 120, 100]
                for (row, value) in box.enumerated() { rows[row * anchors + anchor] = value }
                rows[(4 + object * 6) * anchors + anchor] = 0.9 - 0.1 * Float(copy)
                for k in 0..<32 { rows[(84 + k) * anchors + anchor] = k == 0 ? 2 : 0.05 * Float((k + object) % 5 - 2) }
            }
        }
        let prototypes = (0..<32 * 160 * 160).map { i -> Float in
            let (k, y, x) = (i / 25600, Float(i / 160 % 160), Float(i % 160))
            guard k > 0 else { return 1 }
            return sin(x * 0.05 * Float(k)) + cos(y * 0.04 * Float(k))
        }
        return InferenceResult(
            outputs: [
                "output0": Tensor(shape: [1, 116, anchors], elements: rows),
                "output1": Tensor(shape: [1, 32, 160, 160], elements: prototypes),
            ], inferenceDuration: .zero)
    }
}
