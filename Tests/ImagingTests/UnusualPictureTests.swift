import Foundation
import Imaging
import TestSupport
import Testing

/// Files of unusual kinds, against the pixels that Pillow reads from them (scripts/make_picture_fixtures.py). Within 1 of 255
/// in the mean and 4 at any value: decoders round colours on their own.
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
        #expect(Self.fixtures.count == 13)
    }

    @Test(arguments: fixtures) func pixelsAreThoseThatPillowReads(fixture: Fixture) throws {
        let image = try Image(decoding: [UInt8](fixture.file))
        #expect(image.size == ImageSize(width: fixture.width, height: fixture.height))
        let differences = zip(image.pixels, fixture.pixels).map { abs(Int($0) - Int($1)) }
        #expect(differences.count == image.pixels.count)
        #expect((differences.max() ?? 255) <= 4, "\(fixture.name): \(differences.max() ?? 255)")
        #expect(differences.reduce(0, +) <= differences.count)
    }
}
