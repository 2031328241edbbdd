import Foundation
import ImageCodecs
import Imaging
import TestSupport
import Testing

/// Small files that can cost a decoder minutes or gigabytes, or end it (scripts/make_hostile_images.py).
@Suite(.timeLimit(.minutes(1))) struct HostileImageTests {
    struct Fixture: Decodable, CustomTestStringConvertible {
        let name: String
        /// A part of the error, or an empty text where the file is read.
        let refusal: String
        let file: Data
        var testDescription: String { name }
    }

    static let fixtures =
        (try? JSONDecoder().decode([Fixture].self, from: Data(contentsOf: TestFiles.fixture("hostile-images.json"))))
        ?? []

    @Test func thereAreFixtures() {
        #expect(Self.fixtures.count == 43)
    }

    @Test(arguments: fixtures) func costlyFilesAreRefusedWithTheReason(fixture: Fixture) throws {
        guard !fixture.refusal.isEmpty else {
            let image = try RasterImage(decoding: [UInt8](fixture.file))
            #expect(image.pixels.count == 3 * image.size.area)
            return
        }
        #expect {
            try RasterImage(decoding: [UInt8](fixture.file))
        } throws: { error in
            let text = (error as? ImageCodecError)?.description ?? ""
            return text.contains(fixture.refusal)
        }
    }

    /// Whatever a byte is changed to, the file is read or refused.
    @Test(arguments: fixtures) func changedBytesNeverEndTheProcess(fixture: Fixture) {
        var random = SeededRandom(seed: UInt64(fixture.file.count))
        let file = [UInt8](fixture.file)
        guard file.count < 20_000, !["comments", "portrait"].contains(where: fixture.name.contains) else { return }
        for _ in 0..<150 {
            var changed = file
            for _ in 0...Int.random(in: 0...3, using: &random) {
                changed[Int.random(in: 0..<changed.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? RasterImage(decoding: changed, limits: ImageLimits(pixels: 1_000_000))
        }
    }

    /// Comments that are not kept do not change the pixels, and a file that ends early is still refused.
    @Test func pixelsOfAPNGDoNotDependOnItsMetadata() throws {
        let fixture = try #require(Self.fixtures.first { $0.name.hasPrefix("PNG") })
        let image = try RasterImage(decoding: [UInt8](fixture.file))
        #expect(image.size == ImageSize(width: 16, height: 16) && image.pixels.allSatisfy { $0 == 0 })
        for cut in [1, 5, 12, 13, 20, 30] {
            let file = [UInt8](fixture.file.dropLast(cut))
            #expect(cut <= 12 || (try? RasterImage(decoding: file)) == nil, "without the last \(cut) bytes")
        }
    }
}
