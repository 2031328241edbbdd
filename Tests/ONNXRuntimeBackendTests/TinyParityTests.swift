import Foundation
import Imaging
import InstanceSegmentation
import ONNXRuntimeBackend
import TestSupport
import Testing

/// Tiny exports of the families' own tools, against the detections of their own post-processing.
///
/// Tolerances: boxes 0.01 pixels, confidences 1e-4; masks of images of the network's size all pixels but 0.1 %; masks of
/// resized images mean IoU at least 0.9, since the reference cuts its padding off in whole prototype cells.
@Suite(.enabled(if: TestFiles.hasShared, "needs the fixtures in ../shared"))
struct TinyParityTests {
    struct Reference: Decodable {
        struct Options: Decodable {
            let confidence: Float
            let iou: Double?
        }
        struct Case: Decodable {
            struct Picture: Decodable {
                let width: Int
                let height: Int
                let variant: Int
            }
            let name: String
            let image: Picture
            let detections: [Detection]
        }
        struct Detection: Decodable {
            struct Runs: Decodable {
                let size: [Int]
                let counts: [Int]
            }
            let box: [Double]
            let class_id: Int
            let confidence: Float
            let mask: Runs
        }
        let options: Options
        let cases: [Case]
    }

    /// The test image of the references: gradients and seven discs, in whole numbers.
    static func picture(width: Int, height: Int, variant: Int) -> RasterImage {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                pixels.append(UInt8(x * 255 / max(width - 1, 1)))
                pixels.append(UInt8(y * 255 / max(height - 1, 1)))
                pixels.append(UInt8((x * 7 + y * 13 + variant * 29) * 5 % 256))
            }
        }
        for i in 0..<7 {
            let (cx, cy) = (
                (2 * i + 1 + variant) * 37 % 100 * width / 100, (3 * i + 2 + variant) * 53 % 100 * height / 100
            )
            let radius = (6 + 3 * i) * min(width, height) / 100
            for y in 0..<height {
                for x in 0..<width where (x - cx) * (x - cx) + (y - cy) * (y - cy) <= radius * radius {
                    let at = 3 * (y * width + x)
                    pixels[at] = UInt8((i * 91 + 40) % 256)
                    pixels[at + 1] = UInt8((i * 57 + 160) % 256)
                    pixels[at + 2] = UInt8((i * 23 + 90) % 256)
                }
            }
        }
        return RasterImage(size: ImageSize(width: width, height: height), pixels: pixels)
    }

    /// Families without prototypes: masks are sampled as the reference does, so that they agree in resized images too. EoMT's
    /// reference resizes twice, to the input and from there to the image, which moves its confidences a little.
    @Test(arguments: [
        ("rfdetr-seg", ModelFamily.rfdetr, 0.01, 1e-4, 0.98), ("maskrcnn", .maskRCNN, 0.01, 1e-4, 0.98),
        ("mask2former", .mask2former, 1, 1e-3, 0.98), ("eomt", .eomt, 1, 5e-3, 0.98),
    ])
    func queriesAndRegionsAreThoseOfTheFamilysOwnCode(
        name: String, family: ModelFamily, slack: Double, scoreSlack: Float, iou: Double
    ) async throws {
        let folder = TestFiles.shared.appending(path: "reference/tiny")
        let reference = try JSONDecoder().decode(
            Reference.self, from: Data(contentsOf: folder.appending(path: "\(name).json")))
        let lane = try await ONNXRuntimeBackend().load(modelAt: folder.appending(path: "\(name).onnx"), concurrency: 1)
        var settings = ModelSettings()
        settings.followsReference = true
        if family == .eomt { settings.family = .eomt }  // its file looks like Mask2Former's
        let segmenter = Segmenter(
            model: try ModelFamily.model(for: lane.modelDescription, settings: settings), session: lane)
        #expect(segmenter.model.family == family)
        for example in reference.cases {
            let image = Self.picture(
                width: example.image.width, height: example.image.height, variant: example.image.variant)
            var found = try await segmenter.segment(
                image, options: PredictionOptions(confidenceThreshold: reference.options.confidence)
            ).detections
            // torchvision lists objects without a pixel too.
            let expectations = example.detections.filter { $0.mask.counts.count > 1 }
            #expect(found.count == expectations.count, "\(name) \(example.name)")
            var worst = (corner: 0.0, score: Float(0), iou: 1.0)
            for expected in expectations {
                // torchvision counts classes from 1, which is the first of those that are served.
                let id = family == .maskRCNN ? expected.class_id - 1 : expected.class_id
                let mask = RunLengthEncoding(
                    size: ImageSize(width: expected.mask.size[1], height: expected.mask.size[0]),
                    counts: expected.mask.counts
                ).mask
                let index = found.indices.filter { found[$0].classID == id }.max { a, b in
                    found[a].mask.iou(with: mask) - Double(abs(found[a].confidence - expected.confidence))
                        < found[b].mask.iou(with: mask) - Double(abs(found[b].confidence - expected.confidence))
                }
                guard let index else {
                    Issue.record("\(name) \(example.name): no detection of class \(id)")
                    continue
                }
                let ours = found.remove(at: index)
                let corners = zip([ours.box.x1, ours.box.y1, ours.box.x2, ours.box.y2], expected.box).map {
                    abs($0 - $1)
                }
                worst.corner = max(worst.corner, corners.max() ?? 0)
                worst.score = max(worst.score, abs(ours.confidence - expected.confidence))
                worst.iou = min(worst.iou, ours.mask.iou(with: mask))
                if example.name == "exact" {
                    let different = ours.mask.area + mask.area - 2 * ours.mask.intersectionArea(with: mask)
                    #expect(Double(different) <= 0.001 * Double(mask.imageSize.area), "\(name): \(different) pixels")
                }
            }
            #expect(worst.corner <= (example.name == "exact" ? 0.01 : slack), "\(name) \(example.name): \(worst)")
            #expect(worst.score <= (example.name == "exact" ? 1e-4 : scoreSlack), "\(name) \(example.name): \(worst)")
            #expect(worst.iou >= iou, "\(name) \(example.name): \(worst)")
            print(
                "parity \(name) \(example.name): \(expectations.count) objects, worst corner \(worst.corner), "
                    + "worst confidence \(worst.score), worst mask IoU \(worst.iou)")
        }
    }

    @Test(arguments: [
        ("yolov8-seg", ModelFamily.yolo), ("yolov8-seg-dynamic", .yolo), ("yolo11-seg", .yolo), ("yolo26-seg", .yolo),
        ("yoloe-11-seg", .yolo), ("fastsam", .yolo), ("yolov8-seg-nms", .yoloEndToEnd),
        ("yolo26-seg-end2end", .yoloEndToEnd),
        ("yolov5-seg", .yolov5),
    ])
    func detectionsAreThoseOfTheFamilysOwnCode(name: String, family: ModelFamily) async throws {
        let folder = TestFiles.shared.appending(path: "reference/tiny")
        let reference = try JSONDecoder().decode(
            Reference.self, from: Data(contentsOf: folder.appending(path: "\(name).json")))
        let lane = try await ONNXRuntimeBackend().load(modelAt: folder.appending(path: "\(name).onnx"), concurrency: 1)
        let segmenter = try Segmenter(session: lane)
        #expect(segmenter.model.family == family)
        for example in reference.cases {
            let image = Self.picture(
                width: example.image.width, height: example.image.height, variant: example.image.variant)
            var found = try await segmenter.segment(
                image,
                options: PredictionOptions(
                    confidenceThreshold: reference.options.confidence, iouThreshold: reference.options.iou ?? 1)
            ).detections
            if example.name == "exact" { #expect(found.count == example.detections.count, "\(name)") }
            var ious: [Double] = []
            for expected in example.detections {
                // By class and nearest score: gaps are small, and another processor may swap neighbors.
                let index = found.indices.filter { found[$0].classID == expected.class_id }.min { a, b in
                    distance(found[a], expected) < distance(found[b], expected)
                }
                guard let index else {
                    Issue.record("\(name) \(example.name): no detection of class \(expected.class_id)")
                    continue
                }
                let ours = found.remove(at: index)
                let corners = zip([ours.box.x1, ours.box.y1, ours.box.x2, ours.box.y2], expected.box).map {
                    abs($0 - $1)
                }
                #expect((corners.max() ?? 0) <= 0.01, "\(name) \(example.name): \(corners)")
                #expect(abs(ours.confidence - expected.confidence) <= 1e-4)
                let mask = RunLengthEncoding(
                    size: ImageSize(width: expected.mask.size[1], height: expected.mask.size[0]),
                    counts: expected.mask.counts
                ).mask
                ious.append(ours.mask.iou(with: mask))
                if example.name == "exact" {
                    let different = ours.mask.area + mask.area - 2 * ours.mask.intersectionArea(with: mask)
                    #expect(Double(different) <= 0.001 * Double(mask.imageSize.area), "\(name): \(different) pixels")
                }
            }
            // Of a resized image the reference drops a few objects whose slivers of a mask its cutting leaves empty.
            for extra in found {
                #expect(extra.mask.area <= 100, "\(name) \(example.name): \(extra.mask.area) pixels too much")
            }
            let mean = ious.reduce(0, +) / Double(max(ious.count, 1))
            #expect(ious.isEmpty || mean >= 0.9, "\(name) \(example.name): mean mask IoU \(mean)")
            print(
                "parity \(name) \(example.name): \(ious.count) objects, mask IoU mean \(mean), worst \(ious.min() ?? 1)"
            )
        }
    }

    private func distance(_ ours: Detection, _ theirs: Reference.Detection) -> Double {
        // The score decides; of equal scores the nearer box.
        Double(abs(ours.confidence - theirs.confidence)) * 1e6 + abs(ours.box.x1 - theirs.box[0])
            + abs(ours.box.y1 - theirs.box[1])
            + abs(ours.box.x2 - theirs.box[2]) + abs(ours.box.y2 - theirs.box[3])
    }
}
