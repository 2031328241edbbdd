import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Masks of small maps over boxes are decided stretch by stretch, and equal to what is decided pixel by pixel.
@Suite(.timeLimit(.minutes(2))) struct RegionMasksTests {
    /// The pixels by the definition: a map's number at the center of each, zero outside.
    private func expected(_ map: [Float], side: Int, box: BoundingBox, size: ImageSize, threshold: Float) -> [UInt8] {
        func taps(_ pixel: Int, _ from: Double, _ length: Double) -> (Int, Float) {
            let position = (Double(pixel) + 0.5 - from) / length * Double(side) - 0.5
            let first = position.rounded(.down)
            return (Int(max(min(first, Double(side)), -2)), Float(position - first))
        }
        func value(_ row: Int, _ column: Int) -> Float {
            (0..<side).contains(row) && (0..<side).contains(column) ? map[row * side + column] : 0
        }
        let shown = box.clipped(width: Double(size.width), height: Double(size.height))
        var pixels = [UInt8](repeating: 0, count: size.area)
        for y in Int(shown.y1)..<max(Int(shown.y2.rounded(.up)), Int(shown.y1)) {
            let (row, lower) = taps(y, box.y1, box.height)
            for x in Int(shown.x1)..<max(Int(shown.x2.rounded(.up)), Int(shown.x1)) {
                let (column, right) = taps(x, box.x1, box.width)
                let top = value(row, column) * (1 - right) + value(row, column + 1) * right
                let bottom = value(row + 1, column) * (1 - right) + value(row + 1, column + 1) * right
                if top * (1 - lower) + bottom * lower >= threshold { pixels[y * size.width + x] = 1 }
            }
        }
        return pixels
    }

    private func mask(
        _ map: [Float], side: Int, box: BoundingBox, size: ImageSize, threshold: Float
    ) throws -> (mask: Mask, samples: Int) {
        let transform = ImageTransform(imageSize: size, networkSize: size, resizedSize: size, left: 0, top: 0)
        let maps = Tensor(shape: [1, 1, side, side], elements: map)
        return try RegionMasks(maps, name: "masks", transform: transform, threshold: threshold)
            .maskAndCost(of: Candidate(box: box, confidence: 1, outputClass: 0, index: 0))
    }

    @Test func masksAreThoseOfEachPixelByItself() throws {
        var random = SeededRandom(seed: 3)
        let special: [Float] = [
            0, -0.0, 0.5, Float(0.5).nextDown, Float(0.5).nextUp, 1, -1, .nan, .infinity, -.infinity,
            .leastNonzeroMagnitude, 1e30, -1e30, .greatestFiniteMagnitude,
        ]
        let size = ImageSize(width: 61, height: 43)
        for round in 0..<600 {
            let side = [1, 2, 5, 14][round % 4]
            // Smooth maps, maps of few levels, and such with numbers that are not usual.
            let map = (0..<side * side).map { _ -> Float in
                switch round / 4 % 4 {
                case 0: Float.random(in: 0...1, using: &random)
                case 1: [0, 0.5, 1, Float(0.5).nextUp].randomElement(using: &random) ?? 0
                case 2: 0.5 + Float.random(in: -1e-6...1e-6, using: &random)
                default: special.randomElement(using: &random) ?? 0
                }
            }
            func corner(_ limit: Int) -> Double {
                Bool.random(using: &random)
                    ? Double(Int.random(in: -20...limit + 20, using: &random))
                    : Double.random(in: -300...Double(limit) + 300, using: &random)
            }
            let (x, y) = (corner(size.width), corner(size.height))
            let box = BoundingBox(
                x1: x, y1: y, x2: x + Double.random(in: 0.01...400, using: &random),
                y2: y + Double.random(in: 0.01...90, using: &random))
            let threshold: Float = [0.5, 0.5, 0, 1, 0.3][round % 5]
            let found = try mask(map, side: side, box: box, size: size, threshold: threshold).mask
            let wanted = expected(map, side: side, box: box, size: size, threshold: threshold)
            #expect(found.pixels == wanted, "round \(round), \(box), \(threshold)")
        }
    }

    /// In each row the map is sampled where it crosses the threshold, and some times more for each of its columns.
    @Test func theMapIsSampledAtFewPixels() throws {
        let size = ImageSize(width: 4096, height: 4096)
        let disc = (0..<28 * 28).map { i -> Float in
            let (x, y) = (Float(i % 28) - 13.5, Float(i / 28) - 13.5)
            return 1 / (1 + (x * x + y * y) / 100)
        }
        for inset in 0..<2 {
            let box = BoundingBox(x1: Double(inset), y1: 0, x2: 4096, y2: 4096)
            let found = try mask(disc, side: 28, box: box, size: size, threshold: 0.5)
            let share = Double(found.mask.area) / Double(size.area)
            #expect(abs(share - 3.14159 * 100 / 784) < 0.01, "\(share)")
            // The 29 stretches of a row have 147 pixels at most: 2 samples decide one, and 2 searches of 10 find where it crosses.
            #expect(found.samples > 4096 && found.samples < 4096 * (29 * 4 + 4 * 20), "\(found.samples)")
        }
    }
}
