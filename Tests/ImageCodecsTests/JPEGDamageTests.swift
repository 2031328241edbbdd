import Foundation
import ImageCodecs
import Imaging
import TestSupport
import Testing

/// Which faults of a JPEG are harmless, and which cost pixels.
@Suite struct JPEGDamageTests {
    private func file(_ name: String) throws -> [UInt8] {
        [UInt8](try #require(UnusualPictureTests.fixtures.first { $0.name == name }).file)
    }

    @Test(arguments: ["4:4:4 JPEG", "progressive JPEG", "grey JPEG", "CMYK JPEG", "JPEG 3x1,1x1,1x1"])
    func anEndMarkerMayBeMissingButNoBlock(name: String) throws {
        let file = try file(name)
        let whole = try RasterImage(decoding: file)
        for missing in 1...2 { #expect(try RasterImage(decoding: file.dropLast(missing).array).pixels == whole.pixels) }
        for length in stride(from: 20, to: file.count - 24, by: 13) {
            #expect(throws: ImageCodecError.self, "\(length) of \(file.count) bytes") {
                try RasterImage(decoding: Array(file[..<length]))
            }
        }
    }

    @Test func aBlockThatIsDamagedIsToldAsDamage() throws {
        var file = try file("4:4:4 JPEG")
        let scan = try #require(file.indices.dropLast(1).last { file[$0] == 0xFF && file[$0 + 1] == 0xDA })
        // An early end marker leaves the rest of the image without data.
        file.replaceSubrange(scan + 60..<scan + 62, with: [0xFF, 0xD9])
        #expect {
            try RasterImage(decoding: file)
        } throws: {
            if case .truncated = $0 as? ImageCodecError { true } else { false }
        }
    }

    @Test(
        arguments: [
            (0xC3, 8, "a lossless JPEG"), (0xC1, 12, "a JPEG of 12 bits a sample"), (0xC5, 8, "a hierarchical JPEG"),
            (0xF7, 8, "a JPEG-LS file"),
        ] as [(UInt8, UInt8, String)])
    func otherKindsAreToldByName(marker: UInt8, bits: UInt8, name: String) throws {
        var file = try file("RGB JPEG")
        let frame = try #require(file.indices.dropLast(1).first { file[$0] == 0xFF && file[$0 + 1] == 0xC0 })
        file[frame + 1] = marker
        file[frame + 4] = bits
        #expect {
            try RasterImage(decoding: file)
        } throws: {
            ($0 as? ImageCodecError)?.description.contains(name) ?? false
        }
    }

    @Test func theAccurateTransformWritesOneBitScans() throws {
        // A dithered pattern of black and white comes back nearly as it was.
        let size = ImageSize(width: 64, height: 64)
        let pixels = (0..<size.area).flatMap { at -> [UInt8] in
            let isWhite = (at % 64 / 2 + at / 128) % 3 == 0
            return [UInt8](repeating: isWhite ? 255 : 0, count: 3)
        }
        let image = RasterImage(size: size, pixels: pixels)
        #expect(try RasterImage(decoding: image.encoded(as: .jpeg, quality: 95)).difference(to: image) <= 40)
    }
}

extension ArraySlice {
    fileprivate var array: [Element] { Array(self) }
}
