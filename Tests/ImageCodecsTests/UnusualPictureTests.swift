import Foundation
import ImageCodecs
import Imaging
import TestSupport
import Testing

/// Files of unusual kinds, against the pixels that Pillow reads from them (scripts/make_picture_fixtures.py). They are the same, but
/// for AVIF where libavif's own code converts it, and for CIELAB, which Pillow converts by a table of 33 steps a side.
@Suite struct UnusualPictureTests {
    struct Fixture: Decodable, CustomTestStringConvertible {
        let name: String
        let width: Int
        let height: Int
        let file: Data
        let pixels: Data
        var testDescription: String { name }
    }

    static let fixtures =
        (try? JSONDecoder().decode([Fixture].self, from: Data(contentsOf: TestFiles.fixture("pictures.json")))) ?? []

    @Test func thereAreFixtures() {
        #expect(Self.fixtures.count == 130)
    }

    @Test(arguments: fixtures) func pixelsAreThoseThatPillowReads(fixture: Fixture) throws {
        let image = try RasterImage(decoding: [UInt8](fixture.file))
        #expect(image.size == ImageSize(width: fixture.width, height: fixture.height))
        let differences = zip(image.pixels, fixture.pixels).map { abs(Int($0) - Int($1)) }
        #expect(differences.count == image.pixels.count)
        let slack = fixture.name.contains("AVIF") ? 1 : fixture.name.contains("CIELAB") ? 32 : 0
        #expect((differences.max() ?? 255) <= slack, "\(fixture.name): \(differences.max() ?? 255)")
        #expect(differences.reduce(0, +) <= differences.count)
    }

    /// What a damaged file gives is an image of the size that it says, or an error; never more, never a crash.
    @Test(arguments: fixtures) func damagedFilesAreAPictureOrAnError(fixture: Fixture) {
        let file = [UInt8](fixture.file)
        let limits = ImageLimits(pixels: 1_000_000)
        func look(_ bytes: [UInt8]) {
            guard let image = try? RasterImage(decoding: bytes, limits: limits) else { return }
            #expect(image.size.area <= 1_000_000 && image.pixels.count == 3 * image.size.area)
        }
        for length in Swift.stride(from: 0, to: file.count, by: max(file.count / 60, 1)) {
            look(Array(file.prefix(length)))
        }
        var seed = UInt64(file.count)
        func random(_ limit: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % limit
        }
        for _ in 0..<200 {
            var damaged = file
            for _ in 0...random(4) { damaged[random(damaged.count)] = UInt8(random(256)) }
            look(damaged)
        }
    }
}
