import Imaging
import TestSupport
import Testing

@testable import ImageCodecs

/// What a HEIF file may ask for before it is decoded, and the memory that is declared for decoding it.
@Suite(.timeLimit(.minutes(1))) struct HEIFCostTests {
    private func expectRefusal(_ writer: HEIFWriter, primary: Int = 1, extents: Int = 1, _ reason: String) {
        #expect {
            try EncodedImage(writer.file(primary: primary, extents: extents))
        } throws: { error in
            (error as? ImageCodecError)?.description.contains(reason) ?? false
        }
    }

    private func memory(_ file: [UInt8]) throws -> Int { try EncodedImage(file).decodingMemory }

    // MARK: Lists

    @Test func aFileOfOneImageIsRead() throws {
        let writer = HEIFWriter(items: [try HEIFWriter.item(ofFixture: "HEIC 420, full range")])
        let file = writer.file(primary: 1)
        let image = try RasterImage(decoding: file)
        #expect(image.size == ImageSize(width: 64, height: 64))
    }

    @Test func partsOfAnItemHoldNoMoreThanTheFile() throws {
        var item = try HEIFWriter.item(ofFixture: "HEIC 420, full range")
        item.data = [UInt8](repeating: 0, count: 5000)
        expectRefusal(HEIFWriter(items: [item]), extents: 4, "more data than the file")
    }

    /// libheif copies all of it when it opens a file.
    @Test func dataThatIsNoImageIsNotListedManyTimes() throws {
        let image = try HEIFWriter.item(ofFixture: "HEIC 420, full range")
        let text = HEIFWriter.Item(kind: "mime", data: [UInt8](repeating: 32, count: 5000))
        let writer = HEIFWriter(items: [image, text])
        #expect(throws: Never.self) { try EncodedImage(writer.file(primary: 1)) }
        // Every text is the whole file but for some bytes.
        var file = writer
        for _ in 0..<3 { file.items.append(HEIFWriter.Item(kind: "mime")) }
        var bytes = file.file(primary: 1)
        let whole = bytes.count - 100
        let place = try #require(bytes.firstRange(of: Array("iloc".utf8))).upperBound + 8
        for index in 2..<5 {
            bytes.replaceSubrange(
                place + 14 * index + 6..<place + 14 * index + 14,
                with: HEIFWriter.number(50, 4) + HEIFWriter.number(whole, 4))
        }
        #expect {
            try EncodedImage(bytes)
        } throws: { "\($0)".contains("more data than the file") }
    }

    @Test func anImageHasFewUnits() throws {
        var item = try HEIFWriter.item(ofFixture: "HEIC 420, full range")
        item.data += [UInt8](repeating: 0, count: 4 * HEVCStream.maxUnits)
        expectRefusal(HEIFWriter(items: [item]), "units of data")
    }

    @Test func anImageOfAV1HasFewUnits() throws {
        var item = try HEIFWriter.item(ofFixture: "gray AVIF")
        let delimiter: [UInt8] = [2 << 3 | 2, 0]
        item.data += (0..<HEVCStream.maxUnits).flatMap { _ in delimiter }
        expectRefusal(HEIFWriter(items: [item], brand: "avif"), "units of data")
    }

    @Test func anImageHasFewParameterSets() throws {
        var item = try HEIFWriter.item(ofFixture: "HEIC 420, full range")
        let index = try #require(item.properties.firstIndex { $0[4..<8].elementsEqual("hvcC".utf8) })
        let lists = [UInt8](repeating: 0, count: 2 * 0xFFFF)
        let list: [UInt8] = [32, 0xFF, 0xFF] + lists
        item.properties[index] = HEIFWriter.box("hvcC", [UInt8](repeating: 0, count: 22) + [2] + list + list)
        expectRefusal(HEIFWriter(items: [item]), "units of data")
    }

    @Test func emptyUnitsAreSkipped() throws {
        var item = try HEIFWriter.item(ofFixture: "HEIC 420, full range")
        let plain = try RasterImage(decoding: HEIFWriter(items: [item]).file(primary: 1))
        item.data = [0, 0, 0, 0] + item.data + [UInt8](repeating: 0, count: 4000)
        #expect(try RasterImage(decoding: HEIFWriter(items: [item]).file(primary: 1)).pixels == plain.pixels)
        item.data.withUnsafeBytes { data in
            #expect(HEVCStream.units(ofData: data)?.count == 1)
        }
    }

    @Test func anImageSaysOnceHowItIsCoded() throws {
        var item = try HEIFWriter.item(ofFixture: "HEIC 420, full range")
        item.properties += item.properties.filter { $0[4..<8].elementsEqual("hvcC".utf8) }
        expectRefusal(HEIFWriter(items: [item]), "more than once how an image in it is coded")
    }

    @Test func anItemHasFewProperties() throws {
        var item = try HEIFWriter.item(ofFixture: "HEIC 420, full range")
        let color = HEIFWriter.box("colr", Array("prof".utf8) + [UInt8](repeating: 0, count: 8))
        let others = item.properties.count
        item.properties += [[UInt8]](repeating: color, count: 255 - others)
        #expect(throws: Never.self) { try EncodedImage(HEIFWriter(items: [item]).file(primary: 1)) }
        item.properties.append(color)
        expectRefusal(HEIFWriter(items: [item]), "more than 255 properties")
    }

    // MARK: Memory

    @Test(arguments: ["HEIC 420, full range", "HEIC 444, full range", "HEIC of 10 bits, 444, full range"])
    func memoryDoesNotShrinkWithWhatIsCroppedAway(name: String) throws {
        var item = try HEIFWriter.item(ofFixture: name)
        let whole = HEIFWriter(items: [item]).file(primary: 1)
        item.properties.append(HEIFWriter.crop(1, 1))
        let cropped = HEIFWriter(items: [item]).file(primary: 1)
        #expect(try RasterImage(decoding: cropped).size == ImageSize(width: 1, height: 1))
        // All but the result.
        #expect(try memory(cropped) >= memory(whole) - 3 * RasterImage(decoding: whole).size.area)
    }

    /// Bytes a pixel: the decoder's planes, a copy of one, its tables, and the planes that are copied out of it. That is more than those
    /// planes and the result, which follows when the decoder has ended.
    @Test(
        arguments: [
            ("gray HEIC", 4), ("HEIC 420, limited range", 5), ("HEIC 422, limited range", 6),
            ("HEIC 444, limited range", 8), ("HEIC of 10 bits, 420, full range", 9),
            ("HEIC of 10 bits, 422, full range", 11), ("HEIC of 10 bits, 444, full range", 15),
        ])
    func memoryIsThatOfThePlanes(name: String, each: Int) throws {
        let item = try HEIFWriter.item(ofFixture: name)
        let file = HEIFWriter(items: [item]).file(primary: 1)
        let area = try RasterImage(decoding: file).size.area
        #expect(try memory(file) == each * area + 2 * item.data.count)
    }

    /// A canvas, the first tile, and as many as are decoded at a time.
    @Test func memoryOfAGridIsThatOfItsCanvasAndAFewTiles() throws {
        let tile = try HEIFWriter.item(ofFixture: "HEIC 444, full range")
        let area = try RasterImage(decoding: HEIFWriter(items: [tile]).file(primary: 1)).size.area
        let side = try #require([64, 40].first { $0 * $0 == area })
        let grid = HEIFWriter.Item(
            kind: "grid", data: HEIFWriter.grid(2 * side, 2 * side, rows: 2, columns: 2),
            properties: [HEIFWriter.size(2 * side, 2 * side)], sources: [1, 1, 1, 1])
        let file = HEIFWriter(items: [tile, grid]).file(primary: 2)
        #expect(try RasterImage(decoding: file).size == ImageSize(width: 2 * side, height: 2 * side))
        let expected = 3 * 4 * area + 3 * area + 3 * (8 * area + 2 * tile.data.count)
        #expect(try memory(file) == expected)
    }

    /// An overlay is left to libheif.
    @Test func memoryDoesNotShrinkWithWhatIsCroppedAwayOfAnOverlay() throws {
        let below = try HEIFWriter.item(ofFixture: "HEIC 420, full range")
        let side = HEIFWriter.number(64, 2)
        var overlay = HEIFWriter.Item(
            kind: "iovl", data: [UInt8](repeating: 0, count: 10) + side + side + [0, 0, 0, 0],
            properties: [HEIFWriter.size(64, 64)], sources: [1])
        let whole = HEIFWriter(items: [below, overlay]).file(primary: 2)
        #expect(try RasterImage(decoding: whole).size == ImageSize(width: 64, height: 64))
        overlay.properties.append(HEIFWriter.crop(2, 2))
        let cropped = HEIFWriter(items: [below, overlay]).file(primary: 2)
        #expect(try RasterImage(decoding: cropped).size == ImageSize(width: 2, height: 2))
        #expect(try memory(cropped) >= memory(whole) - 3 * 64 * 64)
        #expect(try memory(cropped) >= 2 * 9 * 64 * 64)
    }
}
