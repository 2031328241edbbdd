import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

@Suite struct TilingTests {
    @Test(arguments: [
        (640, 480, 640, 0.2), (1000, 700, 256, 0.25), (257, 256, 256, 0), (4000, 3000, 640, 0.2), (10, 5000, 64, 0.8),
    ])
    func tilesCoverThePictureAndAreOfOneSize(width: Int, height: Int, side: Int, overlap: Double) {
        let size = ImageSize(width: width, height: height)
        let tiles = Tiling(side: side, overlap: overlap).tiles(of: size)
        #expect(Set(tiles.map(\.size)).count == 1 && Set(tiles).count == tiles.count)
        for tile in tiles {
            #expect(
                tile.x >= 0 && tile.y >= 0 && tile.x + tile.size.width <= width && tile.y + tile.size.height <= height)
        }
        let (columns, rows) = (Set(tiles.map(\.x)).sorted(), Set(tiles.map(\.y)).sorted())
        for (starts, length, reach) in [(columns, width, tiles[0].size.width), (rows, height, tiles[0].size.height)] {
            #expect(starts.first == 0 && (starts.last ?? 0) + reach == length)
            for (a, b) in zip(starts, starts.dropFirst()) {
                #expect(Double(a + reach - b) >= Double(side) * overlap - 1, "neighbours share what was asked for")
            }
        }
    }

    @Test func tilesAreCountedWithoutMakingThem() {
        var random = SeededRandom(seed: 1)
        for _ in 0..<2000 {
            let size = ImageSize(
                width: .random(in: 1...200, using: &random), height: .random(in: 1...200, using: &random))
            let tiling = Tiling(
                side: .random(in: -1...220, using: &random),
                overlap: [.random(in: -0.2...1.2, using: &random), .nan, .infinity, 0, 0.9].randomElement() ?? 0)
            #expect(tiling.tileCount(of: size) == tiling.tiles(of: size).count, "\(tiling) of \(size)")
        }
    }

    @Test(arguments: [Int.min, -1, 0, 1, 2, 1 << 53, Int.max - 1, Int.max])
    func noSideOrOverlapIsTooLargeToCount(side: Int) {
        let overlaps = [0, 0.2, 0.9, 5, -5, .nan, .infinity, -.infinity, .leastNonzeroMagnitude]
        for overlap in overlaps {
            let tiling = Tiling(side: side, overlap: overlap)
            for length in [1, 3, 1 << 53, Int.max - 1, Int.max] {
                let row = tiling.tileCount(of: ImageSize(width: length, height: 1))
                #expect(row >= 1 && row <= length)
                let square = tiling.tileCount(of: ImageSize(width: length, height: length))
                #expect(square == (row < 1 << 31 ? row * row : .max))
            }
        }
    }

    /// A network that sees every bright piece of its input as one object, if it is at least some pixels wide in it.
    private static func session(leastWidth: Int) -> StubSession {
        StubSession(model: .yolo(names: ["bright"], coefficients: 1, imageSize: "[128, 128]")) { inputs in
            guard let input = inputs["images"] else { return [:] }
            let (height, width) = (input.shape[2], input.shape[3])
            let red = input.elements
            let columns = (0..<width).map { x in (0..<height).contains { red[$0 * width + x] > 0.8 } }
            var boxes: [[Float]] = []
            var x = 0
            while x < width {
                let start = x
                while x < width, columns[x] { x += 1 }
                if x - start >= leastWidth {
                    let rows = (0..<height).filter { y in (start..<x).contains { red[y * width + $0] > 0.8 } }
                    let (top, bottom) = (rows.first ?? 0, (rows.last ?? 0) + 1)
                    boxes.append([
                        Float(start + x) / 2, Float(top + bottom) / 2, Float(x - start), Float(bottom - top),
                        0.5 + Float(x - start) / 1000, 1,
                    ])
                }
                x += 1
            }
            let count = max(boxes.count, 1)
            let rows = (0..<6).flatMap { row in (0..<count).map { $0 < boxes.count ? boxes[$0][row] : 0 } }
            let (h, w) = (height / 4, width / 4)
            let cells = (0..<h * w).map { cell -> Float in
                red[(cell / w * 4 + 2) * width + cell % w * 4 + 2] > 0.8 ? 1 : -1
            }
            return [
                "output0": Tensor(shape: [1, 6, count], elements: rows),
                "output1": Tensor(shape: [1, 1, h, w], elements: cells),
            ]
        }
    }

    private func picture(_ size: ImageSize, bright: [ImageRegion]) -> RasterImage {
        var pixels = [UInt8](repeating: 0, count: 3 * size.area)
        for region in bright {
            for y in region.y..<region.y + region.size.height {
                for x in region.x..<region.x + region.size.width {
                    for channel in 0..<3 { pixels[3 * (y * size.width + x) + channel] = 255 }
                }
            }
        }
        return RasterImage(size: size, pixels: pixels)
    }

    @Test func anObjectOverSeveralTilesIsOneAndSmallOnesAreFound() async throws {
        let size = ImageSize(width: 512, height: 128)
        let bar = ImageRegion(x: 40, y: 20, size: ImageSize(width: 300, height: 40))
        let dot = ImageRegion(x: 420, y: 84, size: ImageSize(width: 16, height: 16))
        let image = picture(size, bright: [bar, dot])
        let segmenter = try Segmenter(session: Self.session(leastWidth: 10))
        let plain = try await segmenter.segment(image).detections
        #expect(plain.count == 1, "in the whole picture the dot is too small for the network")
        let found = try await segmenter.segment(image, tiling: Tiling(side: 128, overlap: 0.25)).detections
        #expect(found.count == 2)
        for region in [bar, dot] {
            let truth = Mask(
                imageSize: size,
                pixels: (0..<size.area).map { i in
                    let (x, y) = (i % size.width, i / size.width)
                    return (region.x..<region.x + region.size.width).contains(x)
                        && (region.y..<region.y + region.size.height).contains(y) ? 1 : 0
                })
            #expect((found.map { $0.mask.iou(with: truth) }.max() ?? 0) > 0.85, "\(region)")
            let (left, right) = (Double(region.x), Double(region.x + region.size.width))
            let slack = found.map { found in abs(found.box.x1 - left) + abs(found.box.x2 - right) }.min() ?? 99
            #expect(slack < 5)
        }
    }

    @Test(arguments: [nil, Tiling(side: 128, overlap: 0.25)])
    func alternativeOptionsGetTheirOwnObjectsFromOneRun(tiling: Tiling?) async throws {
        let bars = (0..<3).map {
            ImageRegion(x: 20 + 160 * $0, y: 30, size: ImageSize(width: 30 + 40 * $0, height: 40))
        }
        let image = picture(ImageSize(width: 512, height: 128), bright: bars)
        let session = Self.session(leastWidth: 10)
        let segmenter = try Segmenter(session: session)
        let options = [Float(0.3), 0.54, 0.58].map { PredictionOptions(confidenceThreshold: $0) }
        func segment(_ options: [PredictionOptions]) async throws -> [[Detection]] {
            let others = Array(options.dropFirst())
            let found =
                if let tiling {
                    try await segmenter.segment(image, options: options[0], alternatives: others, tiling: tiling)
                } else {
                    try await segmenter.segment(image, options: options[0], alternatives: others)
                }
            return [found.detections] + found.alternatives
        }
        let together = try await segment(options)
        #expect(together.count == 3 && Set(together.map(\.count)).count > 1)
        for (found, options) in zip(together, options) {
            let alone = try await segment([options])[0]
            #expect(found.map(\.confidence) == alone.map(\.confidence) && found.map(\.box) == alone.map(\.box))
            #expect(found.map(\.mask) == alone.map(\.mask))
        }
    }

    @Test func neighboursOfOneClassStayTwo() async throws {
        let size = ImageSize(width: 256, height: 128)
        let image = picture(
            size,
            bright: [
                ImageRegion(x: 60, y: 30, size: ImageSize(width: 50, height: 50)),
                ImageRegion(x: 120, y: 30, size: ImageSize(width: 50, height: 50)),
            ])
        let segmenter = try Segmenter(session: Self.session(leastWidth: 10))
        let found = try await segmenter.segment(image, tiling: Tiling(side: 128, overlap: 0.5)).detections
        #expect(found.count == 2)
        #expect(try await segmenter.segment(image, tiling: Tiling(side: 512)).detections.count == 2)
    }
}
