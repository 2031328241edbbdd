import Imaging
import TestSupport
import Testing

@testable import ImageCodecs

/// What a HEIF file may ask for before it is decoded.
@Suite(.timeLimit(.minutes(1))) struct HEIFCostTests {
    private func expectRefusal(_ writer: HEIFWriter, primary: Int = 1, extents: Int = 1, _ reason: String) {
        #expect {
            try EncodedImage(writer.file(primary: primary, extents: extents))
        } throws: { error in
            (error as? ImageCodecError)?.description.contains(reason) ?? false
        }
    }

    @Test func aFileOfOneImageIsRead() throws {
        let writer = HEIFWriter(items: [try HEIFWriter.item(ofFixture: "HEIC 420, full range")])
        let file = writer.file(primary: 1)
        let image = try Image(decoding: file)
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
        let plain = try Image(decoding: HEIFWriter(items: [item]).file(primary: 1))
        item.data = [0, 0, 0, 0] + item.data + [UInt8](repeating: 0, count: 4000)
        #expect(try Image(decoding: HEIFWriter(items: [item]).file(primary: 1)).pixels == plain.pixels)
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
}
