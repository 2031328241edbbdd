import Foundation
import ImageCodecs
import Imaging
import TestSupport
import Testing

/// Files whose numbers are impossible: each byte and each 32-bit number of their headers is set to the values at which conversions and
/// products end a process. Whatever a file says, it is read or refused.
@Suite(.timeLimit(.minutes(5))) struct ImpossibleValueTests {
    private static let bytes: [UInt8] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF]
    private static let words: [[UInt8]] = [
        [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F], [0x80, 0, 0, 0],
        [0, 0, 0, 0x80],
        [0, 1, 0, 0], [0, 0, 1, 0],
    ]

    /// One file of each kind, and how many bytes from its beginning and from its end are changed.
    private static let kinds = UnusualPictureTests.fixtures.filter { fixture in
        !["AVIF 4:2:2", "AVIF of orientation 6", "gray AVIF", "lossless WebP", "progressive JPEG"].contains(
            fixture.name)
            // Their first bytes are alike; all of their boxes are changed by `boxesOfAHEICMayHoldAnything`.
            && !(fixture.name.contains("HEIC") && ["limited", "orientation"].contains { fixture.name.contains($0) })
    }

    @Test(arguments: kinds) func everyNumberOfAHeaderMayBeAnything(fixture: UnusualPictureTests.Fixture) {
        let file = [UInt8](fixture.file)
        let limits = ImageLimits(pixels: 200_000)
        let isSlow = ["AVIF", "HEIC"].contains { fixture.name.contains($0) }
        let head = min(file.count, isSlow ? 64 : 160), tail = max(file.count - (isSlow ? 0 : 200), head)
        func look(_ bytes: [UInt8]) {
            guard let image = try? RasterImage(decoding: bytes, limits: limits) else { return }
            #expect(image.size.area <= limits.pixels && image.pixels.count == 3 * image.size.area)
        }
        for at in [Int](0..<head) + [Int](tail..<file.count) {
            var changed = file
            for value in Self.bytes {
                changed[at] = value
                look(changed)
            }
            changed[at] = file[at]
            guard at + 4 <= file.count, !isSlow || at % 2 == 0 else { continue }
            for word in Self.words {
                changed.replaceSubrange(at..<at + 4, with: word)
                look(changed)
            }
        }
    }

    /// The 168 bytes that once ended the server: two components, with stray bytes before the frame.
    @Test(arguments: 0...255) func aJPEGMayHaveAnyNumberOfComponents(count: UInt8) {
        let tables: [UInt8] = [0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0] + [UInt8](repeating: 16, count: 64)
        let components = (0..<count).flatMap { [$0, 0x11, 0] as [UInt8] }
        let frameLength = UInt16(8 + components.count)
        let frame: [UInt8] =
            [0xFF, 0xC0, UInt8(frameLength >> 8), UInt8(frameLength & 255), 8, 0, 16, 0, 16, count] + components
        let scan: [UInt8] =
            [0xFF, 0xDA, 0, 10, 2, 1, 0, 2, 0, 0, 63, 0] + [UInt8](repeating: 0, count: 64) + [0xFF, 0xD9]
        for stray in [0, 3] {
            let file = tables + [UInt8](repeating: 0, count: stray) + frame + scan
            #expect(throws: ImageCodecError.self) { try RasterImage(decoding: file) }
        }
    }
}
