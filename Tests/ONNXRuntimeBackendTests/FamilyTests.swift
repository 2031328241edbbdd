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
        _ name: String, image: Image = Image(size: ImageSize(width: 64, height: 32), color: .white),
        settings: ModelSettings = ModelSettings(), confidence: Float = 0.4
    ) async throws -> (family: ModelFamily, detections: [Detection]) {
        let file = TestFiles.fixture("family-\(name).onnx").path
        let lane = try await ONNXRuntimeBackend().open(modelAt: file, lanes: 1)[0]
        let segmenter = try Segmenter(session: lane, settings: settings)
        let options = PredictionOptions(confidence: confidence)
        return (segmenter.model.family, try await segmenter.segment(image, options: options).detections)
    }

    private func runs(_ mask: Mask, row: Int) -> [Range<Int32>] { mask.runs(inRow: row).map { $0.start..<$0.end } }

    @Test func rtmdetIsReadFromItsTopLeftCorner() async throws {
        var settings = ModelSettings()
        settings.names = [0: "a", 1: "b"]
        let image = Image(size: ImageSize(width: 128, height: 64), color: .white)
        let (family, found) = try await found("rtmdet-ins", image: image, settings: settings)
        #expect(family == .rtmdetIns)
        // The picture of 128 x 64 is half as large in the input of 64 x 64, at its top left.
        #expect(found.map(\.className) == ["b", "a"] && found.map(\.classID) == [1, 0])
        #expect(found[0].box == BoundingBox(x1: 16, y1: 8, x2: 48, y2: 40))
        #expect(runs(found[0].mask, row: 0) == [0..<64], "masks are not cut off at boxes")
        #expect(found[1].mask.area == 128 * 64)
    }

    @Test func aGraphOfSeveralPicturesIsReadForTheFirst() async throws {
        let image = Image(size: ImageSize(width: 128, height: 64), color: .white)
        let (family, found) = try await found("batch", image: image)
        #expect(family == .rtmdetIns && found.map(\.box) == [BoundingBox(x1: 16, y1: 8, x2: 48, y2: 40)])
    }

    @Test func smallMapsAreStretchedOverTheirBoxes() async throws {
        let (family, found) = try await found("mmdeploy")
        #expect(family == .mmdeploy)
        #expect(found.map(\.classID) == [2] && found.map(\.className) == ["2"])
        // In the input the box is (8, 4, 24, 20), and half of it is set; in the picture everything is twice as large.
        #expect(found[0].box == BoundingBox(x1: 16, y1: 8, x2: 48, y2: 32))
        #expect(runs(found[0].mask, row: 7).isEmpty && runs(found[0].mask, row: 8) == [16..<32])
        #expect(runs(found[0].mask, row: 20) == [16..<32])
    }

    @Test func detectron2IsKnownByTheOrderOfItsOutputs() async throws {
        let image = Image(size: ImageSize(width: 1600, height: 800), color: .white)
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
        let image = Image(size: ImageSize(width: 32, height: 32), color: .white)
        let (family, found) = try await found("yolact", image: image, settings: settings)
        #expect(family == .yolact)
        #expect(found.map(\.className) == ["a", "b"])
        #expect(found[0].box == BoundingBox(x1: 8, y1: 8, x2: 24, y2: 24))
        // Centre moved by a tenth of half the width, and twice as high: clipped at the top.
        #expect(abs(found[1].box.x1 - 1.6) < 1e-5 && found[1].box.y1 == 0 && abs(found[1].box.y2 - 24) < 1e-4)
        #expect(runs(found[0].mask, row: 10) == [8..<16], "the prototype is set in the left half")
    }

    @Test(arguments: ["half", "bytes"]) func inputsOfOtherTypesGetTheSameNumbers(name: String) async throws {
        let gray = Image(size: ImageSize(width: 32, height: 32), color: Color(red: 51, green: 102, blue: 153))
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
        let image = Image(size: ImageSize(width: 64, height: 32), pixels: pixels)
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
        let white = Image(size: ImageSize(width: 32, height: 32), color: .white)
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
