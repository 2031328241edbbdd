import Imaging
import Testing

@testable import InstanceSegmentation

/// Masks of query models as the families' own code makes them.
@Suite struct ReferenceMaskTests {
    /// The numbers are torch's: `interpolate` of the map to 8 x 8, of its upper 6 rows to 12 x 16, both bilinear.
    @Test func mapsOfEoMTAreResizedToTheInputAndThenToThePicture() throws {
        func tensor(_ name: String, _ shape: [Int]) -> TensorDescription {
            TensorDescription(name: name, elementType: .float32, shape: shape.map { .fixed($0) })
        }
        var settings = ModelSettings()
        (settings.family, settings.followsReference) = (.eomt, true)
        let model = try ModelFamily.model(
            for: ModelDescription(
                inputs: [tensor("pixel_values", [1, 3, 8, 8])],
                outputs: [tensor("class_queries_logits", [1, 1, 2]), tensor("masks_queries_logits", [1, 1, 4, 4])],
                metadata: [:]), settings: settings)
        let map = (0..<16).map { cell in
            let (x, y) = (cell % 4, cell / 4)
            return Float((x * 5 + y * 7 + x * y * 3) % 11 - 5)
        }
        let result = InferenceResult(
            outputs: [
                "class_queries_logits": Tensor(shape: [1, 1, 2], elements: [30, -30]),
                "masks_queries_logits": Tensor(shape: [1, 1, 4, 4], elements: map),
            ], inferenceDuration: .zero)
        let transform = model.transform(for: ImageSize(width: 16, height: 12))
        #expect(transform.resizedSize == ImageSize(width: 8, height: 6))
        let found = try model.decode(result, transform: transform, options: PredictionOptions(confidenceThreshold: 0.1))
            .detections
        try #require(found.count == 1)
        #expect(abs(found[0].confidence - 0.753_938) < 1e-5)
        let expected: [UInt16] = [
            0x3FC, 0x3FC, 0x3FE, 0x1FF, 0x1F, 0xE00F, 0xF00F, 0xE007, 0x3, 0, 0, 0,
        ]
        let mask = found[0].mask
        for (y, bits) in expected.enumerated() {
            let row = mask.rows.contains(y) ? mask.runs(inRow: y).flatMap { Int($0.start)..<Int($0.end) } : []
            #expect(row == (0..<16).filter { bits >> (15 - $0) & 1 == 1 }, "row \(y)")
        }
    }

    /// Settings may ask for another way to the input than the family's own; masks follow it.
    @Test(arguments: [0, 50]) func mapsOfEoMTFollowBarsAndCrops(cropPercent: Int) throws {
        func tensor(_ name: String, _ shape: [Int]) -> TensorDescription {
            TensorDescription(name: name, elementType: .float32, shape: shape.map { .fixed($0) })
        }
        var settings = ModelSettings()
        (settings.family, settings.followsReference, settings.resize) = (.eomt, true, .letterbox)
        if cropPercent > 0 {
            settings.steps = [.crop(left: Double(cropPercent) / 100, top: 0, right: 1, bottom: 1)]
        }
        let model = try ModelFamily.model(
            for: ModelDescription(
                inputs: [tensor("pixel_values", [1, 3, 8, 8])],
                outputs: [tensor("class_queries_logits", [1, 1, 2]), tensor("masks_queries_logits", [1, 1, 4, 4])],
                metadata: [:]), settings: settings)
        // The two rows in the middle show the image; their left half is set.
        let map = (0..<16).map { cell in Float((1...2).contains(cell / 4) && cell % 4 < 2 ? 10 : -10) }
        let result = InferenceResult(
            outputs: [
                "class_queries_logits": Tensor(shape: [1, 1, 2], elements: [30, -30]),
                "masks_queries_logits": Tensor(shape: [1, 1, 4, 4], elements: map),
            ], inferenceDuration: .zero)
        let (left, side) = cropPercent > 0 ? (16, 16) : (0, 16)
        let transform = model.transform(for: ImageSize(width: left + side, height: 8))
        #expect(transform.resizedSize == ImageSize(width: 8, height: 4) && transform.top == 2)
        let found = try model.decode(result, transform: transform, options: PredictionOptions(confidenceThreshold: 0.1))
            .detections
        try #require(found.count == 1)
        let mask = found[0].mask
        #expect(mask.rows == 0..<8)
        for y in mask.rows {
            // The first and the last row are partly of the cells of the bars.
            let end = left + ((1...6).contains(y) ? 8 : 7)
            #expect(mask.runs(inRow: y).map { Int($0.start)..<Int($0.end) } == [left..<end], "row \(y)")
        }
    }
}
