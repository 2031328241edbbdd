import Foundation
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// The sizes that images are brought to, for each tool's rounding.
@Suite struct InputGeometryTests {
    private func settings(_ config: String) throws -> ModelSettings {
        let folder = try TestFiles.temporaryFolder()
        try Data(config.utf8).write(to: folder.appending(path: "preprocessor_config.json"))
        return try ModelSettings(filesIn: folder)
    }

    private func transform(_ config: String, _ width: Int, _ height: Int) throws -> ImageTransform {
        func tensor(_ name: String, _ shape: [Int?]) -> TensorDescription {
            TensorDescription(
                name: name, elementType: .float32,
                shape: shape.map { $0.map(TensorDescription.Dimension.fixed) ?? .free("") })
        }
        let model = try ModelFamily.model(
            for: ModelDescription(
                inputs: [tensor("pixel_values", [nil, 3, nil, nil])],
                outputs: [
                    tensor("class_queries_logits", [nil, 5, 3]), tensor("masks_queries_logits", [nil, 5, nil, nil]),
                ], metadata: [:]), settings: try settings(config))
        return model.transform(for: ImageSize(width: width, height: height))
    }

    /// Expected sizes are those of transformers 5.23, `get_size_with_aspect_ratio`.
    @Test(arguments: [
        (640, 480, 128, 96), (352, 230, 146, 96), (230, 352, 96, 146), (1000, 333, 160, 53), (333, 1000, 53, 160),
        (96, 96, 96, 96), (100, 96, 100, 96), (97, 1, 160, 2),
    ])
    func sidesAreThoseOfTransformers(width: Int, height: Int, expectedWidth: Int, expectedHeight: Int) throws {
        for config in [
            #"{"feature_extractor_type": "MaskFormerFeatureExtractor", "size": 96, "max_size": 160, "size_divisibility": 0}"#,
            #"{"image_processor_type": "Mask2FormerImageProcessor", "size": {"shortest_edge": 96, "longest_edge": 160}, "size_divisor": 0}"#,
        ] {
            let found = try transform(config, width, height)
            #expect(found.networkSize == ImageSize(width: expectedWidth, height: expectedHeight), "\(config)")
        }
    }

    @Test func imagesAreStretchedToTheDivisorRatherThanPadded() throws {
        for key in [#", "size_divisibility": 32"#, #", "size_divisor": 16"#, ""] {
            let found = try transform(
                #"{"feature_extractor_type": "MaskFormerFeatureExtractor", "size": 96, "max_size": 160\#(key)}"#, 352,
                230)
            #expect(found.networkSize == ImageSize(width: 160, height: 96))
            #expect(found.resizedSize == found.networkSize && found.left == 0 && found.top == 0)
        }
    }

    @Test func theOlderSpellingsMeanWhatTheNewerDo() throws {
        let standard = try transform(
            #"{"feature_extractor_type": "MaskFormerFeatureExtractor", "size": 800}"#, 600, 2381)
        #expect(standard.networkSize == ImageSize(width: 352, height: 1344), "max_size is 1333")
        let only = try transform(
            #"{"feature_extractor_type": "MaskFormerFeatureExtractor", "max_size": 160}"#, 640, 480)
        #expect(only.networkSize == ImageSize(width: 160, height: 128), "size is 800")
        let sides = try transform(
            #"{"feature_extractor_type": "MaskFormerFeatureExtractor", "size": [64, 96]}"#, 640, 480)
        #expect(sides.networkSize == ImageSize(width: 96, height: 64))
        let eomt = try transform(
            #"{"image_processor_type": "EomtImageProcessor", "size": {"shortest_edge": 640, "longest_edge": 640}}"#,
            352, 230)
        #expect(eomt.networkSize == ImageSize(width: 640, height: 640))
        #expect(eomt.resizedSize == ImageSize(width: 640, height: 418))
    }

    @Test func switchesOfTheProcessorAreObeyed() throws {
        let found = try settings(
            #"{"do_normalize": false, "do_rescale": false, "image_mean": [0.5, 0.5, 0.5], "image_std": 0.5, "do_resize": false}"#
        )
        #expect(found.mean == [0, 0, 0] && found.std == [1, 1, 1] && found.scale == 1)
        #expect(found.resize == ModelSettings.Resize.none)
        #expect(try settings(#"{"image_mean": 0.5, "image_std": [0.25]}"#).std == [0.25, 0.25, 0.25])
    }

    @Test(arguments: [
        (#"{"resample": 3}"#, "resample"), (#"{"do_center_crop": true}"#, "do_center_crop"),
        (#"{"pad_size": {"height": 800, "width": 800}}"#, "pad_size"), (#"{"size": "large"}"#, "'size' is large"),
        (#"{"size": {"max_height": 5, "max_width": 6}}"#, "'size'"), (#"{"size": [1, 2, 3]}"#, "'size'"),
        (#"{"image_mean": "imagenet"}"#, "image_mean"), (#"{"image_std": [1, 2]}"#, "image_std"),
        (#"{"rescale_factor": "1/255"}"#, "rescale_factor"), (#"{"size": {"shortest_edge": "x"}}"#, "shortest_edge"),
        (#"{"do_resize": "yes"}"#, "do_resize"), (#"{"size_divisor": "x"}"#, "size_divisor"),
    ])
    func unknownFormsOfKnownKeysAreRefused(config: String, words: String) {
        #expect { try settings(config) } throws: { "\($0)".contains(words) && "\($0)".contains("preprocessor_config") }
    }

    @Test func detectron2RoundsHalvesUp() {
        let geometry = InputGeometry(
            box: nil, resize: .shortestEdge, rounding: .halfUp, divisor: 1, stretchesToDivisor: false, edges: (2, 100))
        // 5 x 4 with a shortest side of 2 is 2.5 x 2.
        #expect(
            geometry.transform(for: ImageSize(width: 5, height: 4)).networkSize == ImageSize(width: 3, height: 2))
    }

    @Test func everyImageIsWithinTheInputHoweverSidesAreRounded() throws {
        let boxes = [
            ImageSize(width: 64, height: 64), ImageSize(width: 64, height: 32), ImageSize(width: 65, height: 39),
        ]
        for rounding in ModelSettings.SideRounding.allCases {
            for (box, divisor) in boxes.flatMap({ box in [nil, 1, 16, 32].map { (box, $0) } }) {
                let geometry = InputGeometry(
                    box: box, resize: .letterbox, rounding: rounding, divisor: divisor, stretchesToDivisor: false,
                    edges: (1, 1))
                for width in stride(from: 1, through: 260, by: 3) {
                    for height in 1...131 {
                        let place = geometry.transform(for: ImageSize(width: width, height: height))
                        let (network, resized) = (place.networkSize, place.resizedSize)
                        let isInside =
                            place.left >= 0 && place.left + resized.width <= network.width && place.top >= 0
                            && place.top + resized.height <= network.height
                        if !isInside {
                            Issue.record("\(width)x\(height) in \(box), \(rounding), \(divisor ?? 0): \(place)")
                        }
                    }
                }
            }
        }
        // 641 is half of 320.5 more than 320: rounded up there is one row more than rounded to even.
        let free = InputGeometry(
            box: ImageSize(width: 640, height: 640), resize: .letterbox, rounding: .halfUp, divisor: 32,
            stretchesToDivisor: false, edges: (1, 1))
        let place = free.transform(for: ImageSize(width: 1280, height: 641))
        #expect(place.resizedSize.height == 321 && place.networkSize.height == 352 && place.top == 15)
    }

    @Test func lettersAreFittedAsRoboflowsEngineDoes() {
        let geometry = InputGeometry(
            box: ImageSize(width: 32, height: 24), resize: .letterbox, rounding: .truncated, divisor: nil,
            stretchesToDivisor: false, edges: (1, 1))
        let transform = geometry.transform(for: ImageSize(width: 97, height: 61))
        // 61 * 32 / 97 is 20.1, which leaves four rows.
        #expect(transform.resizedSize == ImageSize(width: 32, height: 20) && transform.top == 2)
        let odd = geometry.transform(for: ImageSize(width: 100, height: 70))
        #expect(odd.resizedSize == ImageSize(width: 32, height: 22) && odd.top == 1)
    }
}

/// Priors of YOLACT's exports that leave them out.
@Suite struct YOLACTPriorTests {
    @Test func thereAreThreeForEachCellOfFiveLevels() {
        #expect(YOLACTPriors.count(for: ImageSize(width: 550, height: 550)) == 19248)
        #expect(
            YOLACTPriors.count(for: ImageSize(width: 544, height: 544)) == 3 * (68 * 68 + 34 * 34 + 17 * 17 + 81 + 25))
        for side in [64, 320, 544, 550, 700] {
            let size = ImageSize(width: side, height: side)
            for kind in [YOLACTPriors.square, .byRatio] {
                #expect(kind.boxes(for: size).count == 4 * YOLACTPriors.count(for: size))
            }
        }
    }

    @Test func ofTheOriginalTheHeightsAreTheWidths() {
        let original = YOLACTPriors.square.boxes(for: ImageSize(width: 550, height: 550))
        #expect(original[0] == 0.5 / 69 && original[2] == 24.0 / 550 && original[3] == original[2])
        #expect(abs(original[6] - 24 * Float(0.5).squareRoot() / 550) < 1e-7 && original[7] == original[6])
        let fork = YOLACTPriors.byRatio.boxes(for: ImageSize(width: 544, height: 544))
        #expect(abs(fork[6] * fork[7] - (24.0 / 544) * (24.0 / 544)) < 1e-7 && fork[7] == 2 * fork[6])
    }
    @Test func thatForksImagesAreInTheUpperLeftCorner() throws {
        func tensor(_ name: String, _ shape: [Int]) -> TensorDescription {
            TensorDescription(name: name, elementType: .float32, shape: shape.map { .fixed($0) })
        }
        func model(_ count: Int) throws -> any SegmentationModel {
            try ModelFamily.model(
                for: ModelDescription(
                    inputs: [tensor("input.1", [1, 3, 64, 64])],
                    outputs: [
                        tensor("c", [1, count, 81]), tensor("b", [1, count, 4]), tensor("m", [1, count, 8]),
                        tensor("p", [1, 16, 16, 8]),
                    ], metadata: [:]))
        }
        let transform = try model(258).transform(for: ImageSize(width: 128, height: 64))
        #expect(transform.resizedSize == ImageSize(width: 64, height: 32) && transform.top == 0)
        #expect { try model(255) } throws: { "\($0)".contains("[258, 4]") && "\($0)".contains("64x64") }
    }
}
