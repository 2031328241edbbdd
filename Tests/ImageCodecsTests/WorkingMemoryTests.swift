import Foundation
import Imaging
import TestSupport
import Testing

@testable import ImageCodecs

/// The memory that is declared for decoding is that of the pixels, and what the codec holds besides.
@Suite struct WorkingMemoryTests {
    private func file(_ name: String) throws -> [UInt8] {
        [UInt8](try #require(UnusualPictureTests.fixtures.first { $0.name == name }).file)
    }

    /// Bytes a pixel, the result's three included.
    @Test(
        arguments: [
            ("animated WebP", 8), ("WebP with alpha", 7), ("lossless WebP", 7), ("BMP of runs of 8 bits", 4),
            ("PNG of 16 bits", 3),
            ("AVIF 4:2:2", 8), ("AVIF of 10 bits with opacity", 12), ("AVIF of plain RGB with opacity", 8),
        ])
    func memoryIsThatOfThePixels(name: String, each: Int) throws {
        let image = try EncodedImage(try file(name))
        // An AVIF's opacity is an image of its own.
        let count = name.contains("AVIF") && name.contains("opacity") ? 2 : 1
        #expect(image.decodingMemory == (3 + (each - 3) * count) * image.size.area)
    }

    /// A strip as it is stored and as it is decoded, and the planes.
    @Test func memoryOfATIFFIsThatOfItsStripsAndPlanes() throws {
        let plain = try EncodedImage(try file("TIFF"))
        #expect(plain.decodingMemory == (3 + 3 + 3) * plain.size.area)
        let separate = try EncodedImage(try file("TIFF of separate planes"))
        #expect(separate.decodingMemory == (3 + 1 + 1 + 3) * separate.size.area)
    }

    /// Colors that were multiplied by an opacity need it beside them.
    @Test func opacityIsAPlaneOfATIFF() throws {
        let (width, height) = (6, 4)
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        // Four strips of one plane each; the lists follow the directory.
        let lists = 8 + 2 + 11 * 12 + 4
        let tags: [(tag: Int, kind: Int, count: Int, value: Int)] = [
            (256, 4, 1, width), (257, 4, 1, height), (258, 3, 4, lists), (259, 3, 1, 1), (262, 3, 1, 2),
            (273, 4, 4, lists + 8), (277, 3, 1, 4), (278, 4, 1, height), (279, 4, 4, lists + 24), (284, 3, 1, 2),
            (338, 3, 1, 1),
        ]
        let data = lists + 40
        var bytes = Array("II".utf8) + number(42, 2) + number(8, 4) + number(tags.count, 2)
        for tag in tags {
            bytes += number(tag.tag, 2) + number(tag.kind, 2) + number(tag.count, 4) + number(tag.value, 4)
        }
        bytes += number(0, 4) + (0..<4).flatMap { _ in number(8, 2) }
        bytes += (0..<4).flatMap { number(data + $0 * width * height, 4) }
        bytes += (0..<4).flatMap { _ in number(width * height, 4) }
        for value in [50, 60, 70, 128] as [UInt8] { bytes += [UInt8](repeating: value, count: width * height) }
        let image = try EncodedImage(bytes)
        #expect(try image.decode().pixels.prefix(3) == [99, 119, 139])
        #expect(image.decodingMemory == (3 + 1 + 1 + 4) * image.size.area)
    }
}
