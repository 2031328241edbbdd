import Imaging
import TestSupport
import Testing

@testable import ImageCodecs

@Suite struct OrientationTests {
    /// A JPEG with an EXIF block that says how it is to be turned.
    private func jpeg(_ image: RasterImage, orientation: UInt8, bigEndian: Bool = false) throws -> [UInt8] {
        let tiff: [UInt8] =
            bigEndian
            ? [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
            : [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0]
        let body = Array("Exif\0\0".utf8) + tiff
        let segment = [0xFF, 0xE1, 0, UInt8(body.count + 2)] + body
        var file = try image.encoded(as: .jpeg, quality: 100)
        file.insert(contentsOf: segment, at: 2)
        return file
    }

    /// Where pixel (0, 0) of the stored image is shown, by orientation, in a 2 x 1 image of red and blue halves.
    @Test(
        arguments: [
            (1, 32, 16, 0, 0), (2, 32, 16, 31, 0), (3, 32, 16, 31, 15), (4, 32, 16, 0, 15),
            (5, 16, 32, 0, 0), (6, 16, 32, 15, 0), (7, 16, 32, 15, 31), (8, 16, 32, 0, 31),
        ] as [(UInt8, Int, Int, Int, Int)])
    func theStoredCornerIsShownWhereExifSays(orientation: UInt8, width: Int, height: Int, x: Int, y: Int) throws {
        // Bright in the stored top left corner only.
        var canvas = DrawingCanvas(RasterImage(size: ImageSize(width: 32, height: 16), color: .black))
        canvas.fill(.white, x: 0..<8, y: 0..<8)
        for bigEndian in [false, true] {
            let image = try RasterImage(decoding: jpeg(canvas.image, orientation: orientation, bigEndian: bigEndian))
            #expect(image.size == ImageSize(width: width, height: height))
            for (cx, cy) in [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)] {
                let value = image.pixels[3 * (cy * width + cx)]
                #expect((value > 128) == (cx == x && cy == y), "corner \(cx),\(cy) is \(value)")
            }
        }
    }

    @Test func fourOrientationsUndoThemselvesAndTwoUndoEachOther() {
        let picture = RasterImage.gradient(width: 7, height: 5)
        func turned(_ image: RasterImage, _ orientation: Orientation) -> RasterImage {
            image.applying(orientation, originalSize: orientation.swapsSides ? image.size.transposed : image.size)
        }
        for orientation in [Orientation.up, .upMirrored, .down, .downMirrored, .leftMirrored, .rightMirrored] {
            #expect(turned(turned(picture, orientation), orientation).pixels == picture.pixels)
        }
        #expect(turned(turned(picture, .right), .left).pixels == picture.pixels)
    }

    @Test func orientationCanBeLeftUnapplied() throws {
        let file = try jpeg(.gradient(width: 32, height: 16), orientation: 6)
        #expect(try RasterImage(decoding: file, applyOrientation: false).size == ImageSize(width: 32, height: 16))
    }

    @Test func theFullSizeOfATurnedPictureIsUpright() throws {
        let file = try jpeg(.gradient(width: 320, height: 160), orientation: 6)
        let image = try RasterImage(decoding: file) { full in
            #expect(full == ImageSize(width: 160, height: 320))
            return ImageSize(width: 40, height: 80)
        }
        #expect(image.size == ImageSize(width: 40, height: 80))
        #expect(image.originalSize == ImageSize(width: 160, height: 320))
    }

    @Test func nonsenseIsUpright() {
        for length in 0..<40 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255) }
            bytes.withUnsafeBytes { _ = Orientation(tiff: $0) }
        }
        let loop: [UInt8] = [0x49, 0x49, 42, 0, 0xFF, 0xFF, 0xFF, 0x7F]
        loop.withUnsafeBytes { #expect(Orientation(tiff: $0) == .up) }
    }
}
