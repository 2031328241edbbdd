import Crypto
import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation
import ONNXRuntimeBackend
import TestSupport
import Testing

/// The model that the project ships.
@Suite struct DefaultModelTests {
    private let folder = TestFiles.root.appending(path: "models/tabletop/1")

    @Test func theFileIsTheOneThatTheCardDescribes() throws {
        let file = try Data(contentsOf: folder.appending(path: "model.onnx"))
        let hash = SHA256.hash(data: file).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let card = try String(contentsOf: folder.appending(path: "README.md"), encoding: .utf8)
        #expect(card.contains(hash), "SHA-256 of model.onnx is \(hash)")
        #expect(file.count < 6_000_000)
    }

    @Test func itFindsWhatLiesInTheSample() async throws {
        let lane = try await ONNXRuntimeBackend().load(modelAt: folder.appending(path: "model.onnx"), concurrency: 1)
        let segmenter = try Segmenter(session: lane)
        #expect(segmenter.model.family == .yolo)
        let truth = try COCOAnnotations(contentsOf: TestFiles.fixture("sample.json"))
        let bytes = try Data(contentsOf: folder.appending(path: "sample.jpg"))
        let found = try await segmenter.segment(try RasterImage(decoding: [UInt8](bytes))).detections
        let names = truth.categories
        #expect(
            found.count == truth.objects.count, "everything is found, and nothing that is not there")
        for object in truth.objects {
            let mask = try #require(object.mask)
            let name = names[object.categoryID]
            let best = found.filter { $0.className == name }.map { $0.mask.iou(with: mask) }.max() ?? 0
            // Bolts are thin: a pixel of the network is a tenth of one.
            #expect(best >= (name == "bolt" ? 0.4 : 0.8), "mask IoU \(best) of a \(name ?? "?")")
        }
    }
}
