import Foundation
import Imaging
import InstanceSegmentation
import ONNXRuntimeBackend
import TestSupport
import Testing

/// Families that are written from their documentation, on tiny models in their layout whose answers can be worked out by hand, and
/// the kinds of inputs that any family may have. The models are made by scripts/make_family_fixtures.py.
@Suite struct FamilyTests {
    private func found(
        _ name: String, image: RasterImage = RasterImage(size: ImageSize(width: 64, height: 32), color: .white),
        settings: ModelSettings = ModelSettings(), confidence: Float = 0.4, overlap: Double? = nil
    ) async throws -> (family: ModelFamily, detections: [Detection]) {
        let file = TestFiles.fixture("family-\(name).onnx").path
        let lane = try await ONNXRuntimeBackend().load(modelAt: URL(filePath: file), concurrency: 1)
        let segmenter = try await Segmenter(trying: lane, settings: settings)
        var options = PredictionOptions(confidenceThreshold: confidence)
        if let overlap { options.iouThreshold = overlap }
        return (segmenter.model.family, try await segmenter.segment(image, options: options).detections)
    }

    private func runs(_ mask: Mask, row: Int) -> [Range<Int32>] { mask.runs(inRow: row).map { $0.start..<$0.end } }

    @Test func rtmdetIsReadFromItsTopLeftCorner() async throws {
        var settings = ModelSettings()
        settings.names = [0: "a", 1: "b"]
        let image = RasterImage(size: ImageSize(width: 128, height: 64), color: .white)
        let (family, found) = try await found("rtmdet-ins", image: image, settings: settings)
        #expect(family == .rtmdetIns)
        // The image of 128 x 64 is half as large in the input of 64 x 64, at its top left.
        #expect(found.map(\.className) == ["b", "a"] && found.map(\.classID) == [1, 0])
        #expect(found[0].box == BoundingBox(x1: 16, y1: 8, x2: 48, y2: 40))
        #expect(runs(found[0].mask, row: 0) == [0..<64], "masks are not cut off at boxes")
        #expect(found[1].mask.area == 128 * 64)
    }

    @Test func rtmdetIsReadFromItsHeads() async throws {
        let image = RasterImage(size: ImageSize(width: 128, height: 64), color: .white)
        let (family, found) = try await found("rtmdet-heads", image: image)
        #expect(family == .rtmdetIns)
        // The second cell proposes the first one's box again; the first cell's other class is an object of its own.
        #expect(found.map(\.classID) == [1, 0, 0])
        let expected: [Float] = [2, 1, 0.5].map { 1 / (1 + exp(-$0)) }
        for (detection, confidence) in zip(found, expected) { #expect(abs(detection.confidence - confidence) < 1e-6) }
        #expect(found[0].box == BoundingBox(x1: 16, y1: 16, x2: 80, y2: 64) && found[2].box == found[0].box)
        #expect(found[1].box == BoundingBox(x1: 0, y1: 0, x2: 128, y2: 64))
        // The first feature is set on the left; the second object takes what is left of its cell's corner by a quarter of 8 cells.
        #expect(runs(found[0].mask, row: 0) == [0..<64] && found[0].mask.area == 64 * 64)
        #expect(runs(found[1].mask, row: 40) == [0..<32] && found[1].mask.area == 32 * 64)
        // With the least confidence everything comes, and nothing fails.
        let all = try await self.found("rtmdet-heads", image: image, confidence: 0).detections
        #expect(all.count > 3)
        #expect(try await self.found("rtmdet-heads", image: image, confidence: 1).detections.isEmpty)
    }

    @Test func yolov7IsReadAsRowsWhateverStandsBetween() async throws {
        let image = RasterImage(size: ImageSize(width: 32, height: 32), color: .white)
        let (family, found) = try await found("yolov7", image: image, overlap: 0.45)
        #expect(family == .yolov5)
        #expect(found.map(\.className) == ["b"] && abs(found[0].confidence - 0.72) < 1e-6)
        #expect(found[0].box == BoundingBox(x1: 8, y1: 8, x2: 24, y2: 24))
        #expect(runs(found[0].mask, row: 8) == [8..<16] && found[0].mask.area == 8 * 16)
        // Roboflow's service looks at the objectness alone.
        var settings = ModelSettings()
        settings.suppression = .roboflow
        let roboflow = try await self.found("yolov7", image: image, settings: settings, overlap: 0.45).detections
        #expect(roboflow.map(\.confidence) == [0.9, 0.5])
    }

    @Test func yolov9OfTwoHeadsIsReadFromItsFirstBoxesAndLastPrototypes() async throws {
        let image = RasterImage(size: ImageSize(width: 32, height: 32), color: .white)
        let (family, found) = try await found("yolov9", image: image)
        #expect(family == .yolo && found.map(\.className) == ["b"])
        #expect(found[0].box == BoundingBox(x1: 8, y1: 8, x2: 24, y2: 24))
        #expect(runs(found[0].mask, row: 8) == [8..<16])
    }

    @Test func fastSAMsBoxesStickToNearBorders() async throws {
        let image = RasterImage(size: ImageSize(width: 640, height: 640), color: .white)
        let plain = try await found("fastsam", image: image, overlap: 0.9)
        #expect(plain.family == .yolo, "nothing says that it is FastSAM's")
        #expect(plain.detections[0].box == BoundingBox(x1: 10, y1: 10, x2: 625, y2: 630))
        var settings = ModelSettings()
        settings.givenName = "fastsam-s/model.onnx"
        let (family, found) = try await found("fastsam", image: image, settings: settings, overlap: 0.9)
        #expect(family == .fastSAM)
        // Almost the image; too far from the border; near the left border only.
        #expect(
            found.map(\.box) == [
                BoundingBox(x1: 0, y1: 0, x2: 640, y2: 640), BoundingBox(x1: 40, y1: 40, x2: 620, y2: 620),
                BoundingBox(x1: 0, y1: 200, x2: 400, y2: 500),
            ])
        #expect(found[2].mask.bounds == BoundingBox(x1: 15, y1: 200, x2: 400, y2: 500), "masks do not follow")
        let file = TestFiles.fixture("family-fastsam.onnx").path
        let model = try Segmenter(
            session: try await ONNXRuntimeBackend().load(modelAt: URL(filePath: file), concurrency: 1),
            settings: settings
        ).model
        #expect(model.recommendedConfidence == 0.4 && model.recommendedIoU == 0.9)
    }

    /// Files that leave the number of classes free, or have no names: a run tells it.
    @Test(arguments: [
        ("columns-free", ModelFamily.yolo, ["b"], 64), ("ready-unnamed", .yoloEndToEnd, ["1", "2"], 64),
        // YOLOv5's files do not name their size, which is 640 then.
        ("rows-free", .yolov5, ["b"], 640),
    ])
    func lengthsThatAreLeftFreeAreToldByARun(
        name: String, family: ModelFamily, classes: [String], side: Int
    ) async throws {
        let image = RasterImage(size: ImageSize(width: side, height: side), color: .white)
        let found = try await found(name, image: image)
        #expect(found.family == family && found.detections.map(\.className) == classes)
        #expect(found.detections[0].box == BoundingBox(x1: 12, y1: 12, x2: 52, y2: 52))
    }

    @Test func yolactWithoutPriorsHasThoseOfItsInput() async throws {
        var settings = ModelSettings()
        settings.names = [0: "a", 1: "b", 2: "c"]
        let image = RasterImage(size: ImageSize(width: 128, height: 128), color: .white)
        let (family, found) = try await found("yolact-minimal", image: image, settings: settings)
        #expect(family == .yolact && found.map(\.className) == ["b"])
        // The image is twice as large as the input; the cell is that of (40, 40), its box 5 pixels by the square roots of 1/2 and 2.
        let (width, height) = (5 * 0.5.squareRoot(), 5 * 2.0.squareRoot())
        let box = found[0].box
        for (side, value) in zip(
            [box.x1, box.y1, box.x2, box.y2], [40 - width / 2, 40 - height / 2, 40 + width / 2, 40 + height / 2])
        {
            #expect(abs(side - 2 * value) < 1e-4)
        }
    }

    @Test(arguments: ["dfine", "dfine-raw"]) func dfinesMasksEndAtTheirBoxes(name: String) async throws {
        let image = RasterImage(size: ImageSize(width: 64, height: 32), color: .white)
        let (family, found) = try await found(name, image: image)
        #expect(family == .dfine && found.map(\.classID) == [1, 0])
        #expect(found[0].box == BoundingBox(x1: 16, y1: 4, x2: 48, y2: 20))
        #expect(found[0].mask.bounds == found[0].box && runs(found[0].mask, row: 10) == [16..<48])
        #expect(runs(found[1].mask, row: 10).count == 1 && runs(found[1].mask, row: 10)[0].lowerBound == 0)
    }

    @Test func maskFormerAnswersAsTransformersDoes() async throws {
        struct Reference: Decodable {
            let `class`: Int
            let score: Float
            let mask: String
        }
        let data = try Data(contentsOf: TestFiles.fixture("family-maskformer.json"))
        let reference = try JSONDecoder().decode([Reference].self, from: data)
        var settings = ModelSettings()
        settings.family = .maskformer
        settings.followsReference = true
        let image = RasterImage(size: ImageSize(width: 96, height: 64), color: .white)
        let (family, found) = try await found("maskformer", image: image, settings: settings, confidence: 0.2)
        #expect(family == .maskformer)
        #expect(reference.count > 2 && found.map(\.classID) == reference.map(\.class))
        for (detection, expected) in zip(found, reference) {
            #expect(abs(detection.confidence - expected.score) < 1e-5)
            var pixels = [Character](repeating: "0", count: 96 * 64)
            for y in detection.mask.rows {
                for run in detection.mask.runs(inRow: y) {
                    for x in Int(run.start)..<Int(run.end) { pixels[y * 96 + x] = "1" }
                }
            }
            #expect(String(pixels) == expected.mask)
        }
        // Sampled at the image's pixels instead of repeating the network's, masks differ at their borders only.
        settings.followsReference = nil
        let finer = try await self.found("maskformer", image: image, settings: settings, confidence: 0.2).detections
        for (a, b) in zip(finer, found) { #expect(a.classID == b.classID && a.mask.iou(with: b.mask) > 0.85) }
    }

    @Test func aGraphOfSeveralPicturesIsReadForTheFirst() async throws {
        let image = RasterImage(size: ImageSize(width: 128, height: 64), color: .white)
        let (family, found) = try await found("batch", image: image)
        #expect(family == .rtmdetIns && found.map(\.box) == [BoundingBox(x1: 16, y1: 8, x2: 48, y2: 40)])
    }

    @Test func smallMapsAreStretchedOverTheirBoxes() async throws {
        let (family, found) = try await found("mmdeploy")
        #expect(family == .mmdeploy)
        #expect(found.map(\.classID) == [2] && found.map(\.className) == ["2"])
        // In the input the box is (8, 4, 24, 20), and half of it is set; in the image everything is twice as large.
        #expect(found[0].box == BoundingBox(x1: 16, y1: 8, x2: 48, y2: 32))
        #expect(runs(found[0].mask, row: 7).isEmpty && runs(found[0].mask, row: 8) == [16..<32])
        #expect(runs(found[0].mask, row: 20) == [16..<32])
    }

    @Test func detectron2IsKnownByTheOrderOfItsOutputs() async throws {
        let image = RasterImage(size: ImageSize(width: 1600, height: 800), color: .white)
        let (family, found) = try await found("detectron2", image: image)
        #expect(family == .detectron2)
        // The longest side becomes 1333: boxes return with that ratio.
        let ratio = 1600.0 / 1333
        #expect(found.count == 1 && found[0].classID == 3)
        #expect(abs(found[0].box.x1 - 8 * ratio) < 1e-9 && abs(found[0].box.x2 - 24 * ratio) < 1e-9)
        let bounds = try #require(found[0].mask.bounds)
        #expect(bounds.x2 == (16 * ratio).rounded() && bounds.y2 <= (20 * 800.0 / 666).rounded(.up))
    }

    @Test func yolactAddsItsOffsetsToFixedBoxes() async throws {
        var settings = ModelSettings()
        settings.names = [0: "a", 1: "b"]
        let image = RasterImage(size: ImageSize(width: 32, height: 32), color: .white)
        let (family, found) = try await found("yolact", image: image, settings: settings)
        #expect(family == .yolact)
        #expect(found.map(\.className) == ["a", "b"])
        #expect(found[0].box == BoundingBox(x1: 8, y1: 8, x2: 24, y2: 24))
        // Center moved by a tenth of half the width, and twice as high: clipped at the top.
        #expect(abs(found[1].box.x1 - 1.6) < 1e-5 && found[1].box.y1 == 0 && abs(found[1].box.y2 - 24) < 1e-4)
        #expect(runs(found[0].mask, row: 10) == [8..<16], "the prototype is set in the left half")
    }

    @Test(arguments: ["half", "bytes"]) func inputsOfOtherTypesGetTheSameNumbers(name: String) async throws {
        let gray = RasterImage(size: ImageSize(width: 32, height: 32), color: RGBColor(red: 51, green: 102, blue: 153))
        let (family, found) = try await found(name, image: gray, confidence: 0.1)
        #expect(family == .yolo)
        let score = try #require(found.first).confidence
        #expect(abs(score - 0.4) < (name == "half" ? 1e-3 : 1e-6))
    }

    @Test func aPartOfThePictureIsGivenAndAnswersAreForTheWhole() async throws {
        var settings = ModelSettings()
        settings.steps = [.crop(left: 0.5, top: 0, right: 1, bottom: 1)]
        // Black on the left, which the model must not see: its score is the mean of what it sees.
        var pixels = [UInt8](repeating: 0, count: 3 * 64 * 32)
        for y in 0..<32 { for x in 32..<64 { for c in 0..<3 { pixels[3 * (y * 64 + x) + c] = 255 } } }
        let image = RasterImage(size: ImageSize(width: 64, height: 32), pixels: pixels)
        let whole = try await found("bytes", image: image, confidence: 0.1).detections
        #expect(abs(whole[0].confidence - (0.5 * 0.5 + 0.5 * 114 / 255)) < 0.01)
        let part = try await found("bytes", image: image, settings: settings, confidence: 0.1).detections
        #expect(part[0].confidence > 0.999)
        #expect(part[0].box == BoundingBox(x1: 40, y1: 8, x2: 56, y2: 24))
        #expect(part[0].mask.bounds == part[0].box && part[0].mask.imageSize == image.size)
        settings.steps = [.grayscale, .contrast(.adaptive)]
        #expect(try await found("bytes", image: image, settings: settings, confidence: 0.1).detections.count == 1)
    }

    @Test func settingsChangeWhatIsFound() async throws {
        var settings = ModelSettings()
        settings.names = [0: "thing"]
        settings.classes = ["other"]
        let white = RasterImage(size: ImageSize(width: 32, height: 32), color: .white)
        #expect(try await found("bytes", image: white, settings: settings).detections.isEmpty)
        settings.classes = nil
        settings.scale = 510
        let half = try await found("half", image: white, settings: settings, confidence: 0.1).detections
        #expect(abs((half.first?.confidence ?? 0) - 0.5) < 1e-3)
        settings.family = .rfdetr
        await #expect(throws: SegmentationError.self) {
            try await self.found("bytes", image: white, settings: settings)
        }
    }
}
