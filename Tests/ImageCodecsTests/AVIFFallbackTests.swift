import Imaging
import Testing

@testable import ImageCodecs

/// AVIF files that libavif opens and libheif decodes, and such that only seem to need libheif. Both are turned once.
@Suite(.timeLimit(.minutes(1))) struct AVIFFallbackTests {
    /// The orientations by which one image becomes another.
    private func orientations(from first: RasterImage, to second: RasterImage) -> [Orientation] {
        (1...8).compactMap(Orientation.init(rawValue:)).filter { orientation in
            let size = orientation.swapsSides ? first.size.transposed : first.size
            return size == second.size && first.applying(orientation, originalSize: size).pixels == second.pixels
        }
    }

    private static let turns: [(turn: UInt8, mirror: UInt8?, orientation: Orientation)] = [
        (0, nil, .up), (1, nil, .left), (2, nil, .down), (3, nil, .right), (0, 1, .upMirrored), (0, 0, .downMirrored),
    ]

    private func properties(_ turn: UInt8, _ mirror: UInt8?) -> [[UInt8]] {
        [HEIFWriter.box("irot", [turn])] + (mirror.map { [HEIFWriter.box("imir", [$0])] } ?? [])
    }

    /// libavif does not convert constant luminance (10).
    @Test(arguments: [6, 10] as [UInt8], turns)
    func anImageOfAnyMatrixIsTurnedOnce(
        matrix: UInt8, turn: (turn: UInt8, mirror: UInt8?, orientation: Orientation)
    ) throws {
        var item = try HEIFWriter.item(ofFixture: "AVIF of orientation 6")
        item.properties.removeAll { $0[4..<8].elementsEqual("colr".utf8) }
        item.properties.append(HEIFWriter.box("colr", Array("nclx".utf8) + [0, 1, 0, 13, 0, matrix, 0x80]))
        let file = HEIFWriter(items: [item], brand: "avif").file(primary: 1)
        let plain = try RasterImage(decoding: file)
        #expect(try EncodedImage(file).decodingMemory == (3 + (matrix == 10 ? 9 : 5)) * plain.size.area)
        item.properties += properties(turn.turn, turn.mirror)
        let turned = try RasterImage(decoding: HEIFWriter(items: [item], brand: "avif").file(primary: 1))
        #expect(orientations(from: plain, to: turned) == [turn.orientation])
    }

    @Test(arguments: turns)
    func anImageBesideALargerOneIsTurnedOnce(
        turn: (turn: UInt8, mirror: UInt8?, orientation: Orientation)
    ) throws {
        var small = try HEIFWriter.item(ofFixture: "AVIF of plain RGB with opacity")
        let large = try HEIFWriter.item(ofFixture: "gray AVIF")
        let plain = try RasterImage(decoding: HEIFWriter(items: [small], brand: "avif").file(primary: 1))
        small.properties += properties(turn.turn, turn.mirror)
        let turned = try RasterImage(decoding: HEIFWriter(items: [small, large], brand: "avif").file(primary: 1))
        #expect(orientations(from: plain, to: turned) == [turn.orientation])
    }

    /// The pixels of both are libavif's.
    @Test func aTileMayBeLargerThanItsGrid() throws {
        let tile = try HEIFWriter.item(ofFixture: "AVIF")
        let whole = try RasterImage(decoding: HEIFWriter(items: [tile], brand: "avif").file(primary: 1))
        var grid = HEIFWriter.Item(
            kind: "grid", data: HEIFWriter.grid(70, 64, rows: 1, columns: 1), properties: [HEIFWriter.size(70, 64)],
            sources: [1])
        let plain = try RasterImage(decoding: HEIFWriter(items: [tile, grid], brand: "avif").file(primary: 2))
        #expect(plain.size == ImageSize(width: 70, height: 64) && plain.pixels.prefix(180) == whole.pixels.prefix(180))
        grid.properties += properties(2, nil)
        let turned = try RasterImage(decoding: HEIFWriter(items: [tile, grid], brand: "avif").file(primary: 2))
        #expect(orientations(from: plain, to: turned) == [.down])
    }

    /// As long as it does not depend on the limit which library opens a file.
    @Test func theLimitOfPixelsDoesNotChangeAnImage() throws {
        var small = try HEIFWriter.item(ofFixture: "AVIF of plain RGB with opacity")
        small.properties += properties(1, nil)
        let large = try HEIFWriter.item(ofFixture: "gray AVIF")
        let file = HEIFWriter(items: [small, large], brand: "avif").file(primary: 1)
        let image = try RasterImage(decoding: file)
        #expect(try RasterImage(decoding: file, limits: ImageLimits(pixels: 24 * 16)).pixels == image.pixels)
    }
}
