import Foundation
import Imaging
import TestSupport
import Testing

@testable import ImageCodecs

/// What keeps pixels equal to Pillow's beyond the files of `UnusualPictureTests`: sizes, crops, names of refusals, and damage.
@Suite(.timeLimit(.minutes(3))) struct ExactPixelTests {
    private static func fixture(_ name: String) throws -> [UInt8] {
        [UInt8](try #require(UnusualPictureTests.fixtures.first { $0.name == name }).file)
    }

    /// Whatever a byte of the boxes says, a HEIC file is read or refused.
    @Test(
        arguments: [
            "HEIC of odd size, orientation 6", "HEIC 4:2:2 of odd size, orientation 3", "HEIC in tiles",
            "HEIC of 10 bits, 420, limited range", "HEIC of 10 bits, 444, full range", "HEIC 444, full range",
            "gray HEIC", "HEIC with opacity",
        ])
    func boxesOfAHEICMayHoldAnything(name: String) throws {
        let file = try Self.fixture(name)
        let limits = ImageLimits(pixels: 100_000)
        let data = try #require(file.firstRange(of: Array("mdat".utf8)))
        for at in stride(from: 8, to: data.upperBound, by: name.contains("tiles") ? 5 : 1) {
            for value in [0, 1, 0x7F, 0x80, 0xFE, 0xFF, file[at] ^ 1] {
                var changed = file
                changed[at] = value
                guard let image = try? RasterImage(decoding: changed, limits: limits) else { continue }
                #expect(image.size.area <= limits.pixels && image.pixels.count == 3 * image.size.area)
            }
        }
    }

    @Test func aHEICWithoutItsEndIsTruncated() throws {
        let file = try Self.fixture("HEIC 420, full range")
        for cut in [1, 60] {
            #expect {
                try RasterImage(decoding: Array(file.dropLast(cut)))
            } throws: {
                if case .truncated = $0 as? ImageCodecError { true } else { false }
            }
        }
    }

    /// Expected pixels by Pillow 13.
    @Test func aGIFWithoutItsLastBytesIsReadAndOneThatLacksPixelsIsNot() throws {
        let file = [UInt8](
            try #require(
                Data(base64Encoded: "R0lGODdhBQADAIEAAAD/ADzDFHiHKLRLPCwAAAAABQADAAAIDQABBBAwQCBBgwUHBgQAOw==")))
        let whole = try RasterImage(decoding: file)
        #expect(whole.pixels.prefix(12) == [0, 255, 0, 60, 195, 20, 120, 135, 40, 180, 75, 60])
        for cut in 1...2 { #expect(try RasterImage(decoding: Array(file.dropLast(cut))).pixels == whole.pixels) }
        for cut in 4...18 {
            #expect { try RasterImage(decoding: Array(file.dropLast(cut))) } throws: {
                if case .truncated = $0 as? ImageCodecError { true } else { false }
            }
        }
    }

    /// Expected pixels by Pillow 13.
    @Test func aBitmapOf16BitsWithTheOldestHeaderHasFiveBitsAColor() throws {
        let file = try #require(Data(base64Encoded: "Qk0qAAAAAAAAABoAAAAMAAAAAwACAAEAEAD/fzQSEEIAAAB84AMfAAAA"))
        #expect(
            try RasterImage(decoding: [UInt8](file)).pixels == [
                255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 32, 139, 164, 131, 131, 131,
            ])
    }

    /// The masks of four channels follow the oldest Windows header.
    @Test(arguments: [false, true]) func aBitmapMayNameTheBitsOfItsOpacity(hasFileHeader: Bool) throws {
        func number(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        var file: [UInt8] = hasFileHeader ? Array("BM".utf8) + [UInt8](repeating: 0, count: 12) : []
        file += number(40) + number(2) + number(1) + [1, 0, 32, 0] + number(6)
        file += [UInt8](repeating: 0, count: 20) + [0xFF, 0xFF00, 0xFF_0000, 0xFF00_0000].flatMap(number)
        file += [10, 20, 30, 255, 40, 50, 60, 0]
        #expect(try RasterImage(decoding: file).pixels == [10, 20, 30, 40, 50, 60])
    }

    /// The table of sRGB's curve, against the curve.
    @Test func colorsOfCIELABAreThoseOfTheFormula() {
        func share(_ t: Double) -> Double { t > 24.0 / 116 ? t * t * t : 108.0 / 841 * (t - 16.0 / 116) }
        for l in stride(from: UInt8(0), through: 255, by: 5) {
            for a in stride(from: Int8(-128), through: 127, by: 15) {
                for b in stride(from: Int8(-128), through: 127, by: 17) {
                    let height = (Double(l) * 100 / 255 + 16) / 116
                    let x = 0.9642 * share(height + Double(a) / 500)
                    let y = share(height), z = 0.8249 * share(height - Double(b) / 200)
                    let expected = [
                        3.1338561 * x - 1.6168667 * y - 0.4906146 * z, -0.9787684 * x + 1.9161415 * y + 0.0334540 * z,
                        0.0719453 * x - 0.2289914 * y + 1.4052427 * z,
                    ].map { TIFFColors.curve(min(max($0, 0), 1)) }
                    let found = TIFFColors.rgb(l: l, a: UInt8(bitPattern: a), b: UInt8(bitPattern: b))
                    #expect([found.0, found.1, found.2] == expected, "\(l), \(a), \(b)")
                }
            }
        }
        // Where the curve reaches a number.
        for step in 0...100_000 {
            let light = Double(step) / 100_000
            #expect(TIFFColors.byte(light) == TIFFColors.curve(light))
        }
    }

    @Test func aCleanApertureIsCenteredAndRoundedAsLibheifDoesIt() throws {
        // 5 x 3 of 9 x 8 pixels, one to the right of the middle.
        let aperture = try #require(CleanAperture([5, 1, 3, 1, 1, 1, 0, 1]))
        let bounds = try #require(aperture.bounds(width: 9, height: 8))
        #expect((bounds.left, bounds.top, bounds.right, bounds.bottom) == (3, 3, 7, 5))
        // Halves.
        let half = try #require(CleanAperture([8, 1, 8, 1, UInt32(bitPattern: -1), 2, UInt32(bitPattern: -1), 2]))
        let cut = try #require(half.bounds(width: 9, height: 9))
        #expect((cut.left, cut.top, cut.right, cut.bottom) == (0, 0, 7, 7))
    }

    /// Its numbers by libheif 1.23 (`Fraction`), which makes those of the file coarser than the results.
    @Test(
        arguments: [
            ([10_084, 7, 17_997, 7, 119, 7, 18, 7], 4623, 2648, [1608, 41, 3048, 2611]),
            ([6532, 72, 25_128, 72, 117, 72, -837, 72], 954, 2727, [433, 1177, 523, 1525]),
            ([2_139_120, 1000, 557_000, 1000, 9457, 1000, 10_949, 1000], 4762, 616, [1276, 38, 3503, 598]),
            ([65_536, 1, 65_536, 1, 0, 1, 0, 1], 65_536, 65_536, [0, 0, 65_535, 65_535]),
        ] as [([Int32], Int, Int, [Int])])
    func aCleanApertureIsAsFineAsLibheifs(numbers: [Int32], width: Int, height: Int, expected: [Int]) throws {
        let aperture = try #require(CleanAperture(numbers.map(UInt32.init(bitPattern:))))
        let bounds = try #require(aperture.bounds(width: width, height: height))
        #expect([bounds.left, bounds.top, bounds.right, bounds.bottom] == expected)
    }

    @Test func impossibleCleanAperturesShowNothing() {
        let words: [UInt32] = [0, 1, 2, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]
        for first in words {
            for second in words {
                for third in words {
                    let aperture = CleanAperture([first, second, third, 1, second, 1, third, first])
                    let bounds = aperture?.bounds(width: 100, height: 50)
                    guard let bounds else { continue }
                    #expect(bounds.left >= 0 && bounds.left <= bounds.right && bounds.right < 100)
                    #expect(bounds.top >= 0 && bounds.top <= bounds.bottom && bounds.bottom < 50)
                }
            }
        }
    }

    @Test func aPictureIsCutWithItsChroma() {
        func plane(_ width: Int, _ height: Int) -> PicturePlane<UInt8> {
            PicturePlane(
                size: ImageSize(width: width, height: height),
                samples: (0..<width * height).map { UInt8(truncatingIfNeeded: 7 * $0) })
        }
        let whole = PlanarPicture(
            planes: [plane(8, 6), plane(4, 3), plane(4, 3)], chroma: .halfBoth, bits: 8,
            signal: ColorSignal(primaries: 1, matrix: 6, isFullRange: true))
        var even = whole
        even.crop(left: 2, top: 2, right: 6, bottom: 4)
        #expect(even.planes.map(\.size.width) == [5, 3, 3] && even.planes.map(\.size.height) == [3, 2, 2])
        #expect(even.planes[1].samples == [5, 6, 7, 9, 10, 11].map { UInt8(7 * $0) })
        // Chroma that would lie between pixels is given their resolution first.
        var odd = whole
        odd.crop(left: 1, top: 0, right: 6, bottom: 4)
        #expect(odd.chroma == .full && odd.planes.allSatisfy { $0.size == ImageSize(width: 6, height: 5) })
        var turned = whole
        for _ in 0..<4 { turned.turn(quarters: 1) }
        #expect(turned.chroma == .halfBoth && turned.planes[2].samples == whole.planes[2].samples)
        #expect(turned.planes[0].samples == whole.planes[0].samples)
    }

    @Test func imagesMayHaveMoreThan65535Rows() throws {
        let rows = 70_001
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let head =
            [40, 1, rows].flatMap { number($0, 4) } + number(1, 2) + number(24, 2) + [UInt8](repeating: 0, count: 24)
        let bitmap = head + (0..<rows).flatMap { [UInt8(truncatingIfNeeded: $0), 1, 2, 0] }
        let image = try RasterImage(decoding: bitmap)
        #expect(image.size == ImageSize(width: 1, height: rows))
        #expect(image.pixels.prefix(3) == [2, 1, UInt8(truncatingIfNeeded: rows - 1)])
    }

    /// A strip of JPEG data that the library cannot decode, or not in every version, is told by its name.
    @Test func aTIFFOfLosslessJPEGIsRefusedByName() {
        let jpeg: [UInt8] = [
            0xFF, 0xD8, 0xFF, 0xC3, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0, 0xFF, 0xC4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0,
            0,
            0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 0, 0x7F, 0xFF, 0xD9,
        ]
        let entries: [(tag: UInt8, value: UInt8)] = [
            (0, 1), (1, 1), (2, 8), (3, 7), (6, 1), (17, 8), (21, 1), (22, 1), (23, UInt8(jpeg.count)),
        ]
        let start = 8 + jpeg.count
        var file: [UInt8] = [0x49, 0x49, 42, 0, UInt8(start), 0, 0, 0] + jpeg + [UInt8(entries.count), 0]
        for entry in entries { file += [entry.tag, 1, 4, 0, 1, 0, 0, 0, entry.value, 0, 0, 0] }
        file += [0, 0, 0, 0]
        #expect {
            try RasterImage(decoding: file)
        } throws: { error in
            guard case .unsupported(let kind)? = error as? ImageCodecError else { return false }
            return kind.contains("lossless JPEG")
        }
    }
}
