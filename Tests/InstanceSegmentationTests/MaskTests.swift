import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// A mask drawn with characters: `#` is set.
func mask(_ rows: [String]) -> Mask {
    Mask(
        imageSize: ImageSize(width: rows[0].count, height: rows.count),
        pixels: rows.flatMap { row in row.map { $0 == "#" ? UInt8(1) : 0 } })
}

/// Pixels at random, in blocks, from a seed.
func randomMask(width: Int, height: Int, density: Double, seed: UInt64) -> Mask {
    var state = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let pixels = (0..<width * height).map { _ -> UInt8 in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 40) / Double(1 << 24) < density ? 1 : 0
    }
    return Mask(imageSize: ImageSize(width: width, height: height), pixels: pixels)
}

@Suite struct MaskTests {
    @Test func aMaskIsBroughtToAnotherGridByItsPixelsCentres() {
        let small = Mask(imageSize: ImageSize(width: 3, height: 2), pixels: [0, 1, 0, 1, 1, 0])
        let large = small.resized(to: ImageSize(width: 6, height: 4))
        #expect(
            large.pixels == [0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0])
        #expect(large.resized(to: small.imageSize) == small)
        for (width, height) in [(7, 5), (1, 1), (50, 3)] {
            let size = ImageSize(width: width, height: height)
            let expected = (0..<size.area).map { i -> UInt8 in
                let x = Int((Double(i % width) + 0.5) * 3 / Double(width))
                let y = Int((Double(i / width) + 0.5) * 2 / Double(height))
                return small.contains(x: x, y: y) ? 1 : 0
            }
            #expect(small.resized(to: size).pixels == expected)
        }
    }

    @Test func pixelsSurviveBeingStoredAsRuns() {
        for seed in 0..<40 {
            let mask = randomMask(width: 13, height: 9, density: 0.4, seed: UInt64(seed))
            #expect(Mask(imageSize: mask.imageSize, pixels: mask.pixels) == mask)
            #expect(mask.area == mask.pixels.count { $0 == 1 })
            for y in -1...9 {
                for x in -1...13 {
                    let inside = (0..<13).contains(x) && (0..<9).contains(y)
                    #expect(mask.contains(x: x, y: y) == (inside && mask.pixels[y * 13 + x] == 1))
                }
            }
        }
    }

    @Test func intersectionOverUnionCountsPixels() {
        for seed in 0..<40 {
            let a = randomMask(width: 17, height: 6, density: 0.5, seed: UInt64(seed))
            let b = randomMask(width: 17, height: 6, density: 0.3, seed: UInt64(seed + 1000))
            let both = zip(a.pixels, b.pixels).count { $0 == 1 && $1 == 1 }
            let either = zip(a.pixels, b.pixels).count { $0 == 1 || $1 == 1 }
            #expect(abs(a.iou(with: b) - Double(both) / Double(either)) < 1e-12)
        }
        #expect(mask(["..."]).iou(with: mask(["..."])) == 0)
    }

    @Test func boundsAreTight() {
        let shape = mask(["......", "..##..", ".#....", "......"])
        #expect(shape.bounds == BoundingBox(x1: 1, y1: 1, x2: 4, y2: 3))
        #expect(mask(["..", ".."]).bounds == nil)
    }

    @Test func theLargestComponentIsFoundDiagonallyToo() {
        let shape = mask([
            "##....#",
            "..#..#.",
            "......#",
            "##.....",
            "##.....",
            "##.....",
        ])
        // Three pixels joined at corners, three others, and a block of six.
        #expect(
            shape.largestComponent
                == mask([
                    ".......",
                    ".......",
                    ".......",
                    "##.....",
                    "##.....",
                    "##.....",
                ]))
    }

    @Test func ofEqualComponentsTheFirstInRasterOrderCounts() {
        #expect(mask(["..##", "....", "##.."]).largestComponent.rows.contains(0))
        #expect(mask(["..##", "....", "##.."]).largestComponent.pixels == mask(["..##", "....", "...."]).pixels)
    }

    @Test func componentsThatJoinBelowAreOne() {
        let shape = mask(["#.#.#", "#.#.#", "#####"])
        #expect(shape.largestComponent == shape)
    }
}
