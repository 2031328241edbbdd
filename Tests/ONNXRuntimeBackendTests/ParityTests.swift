import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation
import ONNXRuntimeBackend
import TestSupport
import Testing

/// The same detections as Ultralytics' own predictor, on real models and real images.
///
/// Tolerances: corners within 0.5 pixels, confidences within 0.002, mask IoU at least 0.99 for objects over 32 x 32 pixels
/// (at least 0.95 for smaller ones), the same order.
@Suite(.enabled(if: TestFiles.hasShared, "needs the models and pictures in ../shared"))
struct ParityTests {
    struct Reference: Decodable {
        struct Detection: Decodable {
            struct Mask: Decodable {
                let size: [Int]
                let counts: String
            }
            let class_id: Int
            let confidence: Float
            let box: [Double]
            let mask: Mask
        }
        let image: String
        let width: Int
        let height: Int
        let decoded_rgb_sha256: String
        let confidence: Float
        let iou: Double
        let detections: [Detection]
    }

    static let models = ["yolo11n-seg/1", "yolo11n-seg/2", "yolov8n-seg/1", "yolov8n-seg/2"]

    static func references(_ model: String) throws -> [Reference] {
        let folder = TestFiles.shared.appending(path: "reference/\(model)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
            .sorted()
            .map { try JSONDecoder().decode(Reference.self, from: Data(contentsOf: folder.appending(path: $0))) }
    }

    @Test(arguments: models) func detectionsAreThoseOfTheReference(model: String) async throws {
        let file = TestFiles.shared.appending(path: "models/\(model)/model.onnx").path
        let lane = try await ONNXRuntimeBackend().load(modelAt: URL(filePath: file), concurrency: 1)
        let segmenter = try Segmenter(session: lane)
        let references = try Self.references(model)
        #expect(references.count == 12)
        var worst = (corner: 0.0, confidence: Float(0), mask: 1.0, objects: 0)
        for reference in references {
            let picture = TestFiles.shared.appending(path: "data/coco-mini/images/\(reference.image)")
            let image = try RasterImage(decoding: [UInt8](Data(contentsOf: picture)))
            #expect(image.size == ImageSize(width: reference.width, height: reference.height))
            let found = try await segmenter.segment(
                image,
                options: PredictionOptions(confidenceThreshold: reference.confidence, iouThreshold: reference.iou)
            ).detections
            #expect(found.map(\.classID) == reference.detections.map(\.class_id), "\(model) \(reference.image)")
            guard found.count == reference.detections.count else { continue }
            for (ours, theirs) in zip(found, reference.detections) {
                let corners = zip([ours.box.x1, ours.box.y1, ours.box.x2, ours.box.y2], theirs.box).map { abs($0 - $1) }
                worst.corner = max(worst.corner, corners.max() ?? 0)
                worst.confidence = max(worst.confidence, abs(ours.confidence - theirs.confidence))
                let size = ImageSize(width: theirs.mask.size[1], height: theirs.mask.size[0])
                let mask = try #require(RunLengthEncoding(size: size, compressedCounts: theirs.mask.counts)).mask
                let isLarge = mask.area > 32 * 32
                let iou = ours.mask.iou(with: mask)
                #expect(iou >= (isLarge ? 0.99 : 0.95), "\(model) \(reference.image) class \(ours.classID): \(iou)")
                if isLarge { worst.mask = min(worst.mask, iou) }
                worst.objects += 1
            }
        }
        #expect(worst.corner <= 0.5)
        #expect(worst.confidence <= 0.002)
        print(
            "parity \(model): \(worst.objects) objects, worst corner \(worst.corner) px, confidence \(worst.confidence), "
                + "mask IoU over 32x32 px \(worst.mask)")
    }

    struct Tensors: Decodable {
        struct Letterbox: Decodable {
            let png: String
            let width: Int
            let height: Int
        }
        struct Input: Decodable {
            let shape: [Int]
        }
        let image: String
        let letterbox: Letterbox
        let input: Input
    }

    /// The pixels that reach the network are the reference's, byte for byte, where the image is enlarged and where it is
    /// only bordered.
    @Test(arguments: ["yolo11n-seg/1", "yolo11n-seg/2"], ["000000037777", "000000184324"])
    func theNetworkIsFedTheSamePixels(model: String, name: String) async throws {
        let tensors = try JSONDecoder().decode(
            Tensors.self,
            from: Data(contentsOf: TestFiles.shared.appending(path: "reference/\(model)/tensors/\(name).json")))
        let file = TestFiles.shared.appending(path: "models/\(model)/model.onnx").path
        let segmenter = try Segmenter(
            session: try await ONNXRuntimeBackend().load(modelAt: URL(filePath: file), concurrency: 1))
        let picture = TestFiles.shared.appending(path: "data/coco-mini/images/\(tensors.image)")
        let image = try RasterImage(decoding: [UInt8](Data(contentsOf: picture)))
        let input = try #require(try segmenter.model.preprocess(image).tensors["images"])
        #expect(input.shape == tensors.input.shape)
        let reference = TestFiles.shared.appending(path: "reference/letterbox/\(tensors.letterbox.png)")
        let expected = try RasterImage(decoding: [UInt8](Data(contentsOf: reference)))
        let plane = expected.size.area
        let floats = input.elements
        var different = 0
        for i in 0..<plane {
            for c in 0..<3 where floats[c * plane + i] != Float(expected.pixels[3 * i + c]) / 255 { different += 1 }
        }
        #expect(different == 0)
    }
}
