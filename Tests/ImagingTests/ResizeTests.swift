import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite struct ResizeTests {
    @Test(arguments: [
        (1280, 720, 640, 360, 0, 140), (720, 1280, 360, 640, 140, 0), (320, 240, 640, 480, 0, 80),
        (640, 425, 640, 425, 0, 107), (1, 1, 640, 640, 0, 0), (10_000, 1, 640, 1, 0, 319),
    ])
    func aLetterboxKeepsTheRatioAndCentres(
        width: Int, height: Int, resizedWidth: Int, resizedHeight: Int, left: Int, top: Int
    ) {
        let transform = ResizeMode.letterbox.transform(
            imageSize: ImageSize(width: width, height: height), networkSize: ImageSize(width: 640, height: 640))
        #expect(transform.resizedSize == ImageSize(width: resizedWidth, height: resizedHeight))
        #expect(transform.left == left)
        #expect(transform.top == top)
    }

    @Test(arguments: [(1280, 720, 640, 384), (640, 480, 640, 480), (640, 425, 640, 448), (100, 3000, 32, 640)])
    func theSmallestRectangleIsPaddedToTheStride(width: Int, height: Int, across: Int, down: Int) {
        let size = ResizeMode.smallestRectangle(
            for: ImageSize(width: width, height: height), in: ImageSize(width: 640, height: 640), stride: 32)
        #expect(size == ImageSize(width: across, height: down))
    }

    @Test func aPointComesBackToItsPlace() {
        let transform = ResizeMode.letterbox.transform(
            imageSize: ImageSize(width: 1283, height: 719), networkSize: ImageSize(width: 640, height: 640))
        let (x, y) = (311.25, 88.5)
        let (networkX, networkY) = (
            x * transform.scaleX + Double(transform.left), y * transform.scaleY + Double(transform.top)
        )
        #expect(abs(transform.imageX(networkX) - x) < 1e-9)
        #expect(abs(transform.imageY(networkY) - y) < 1e-9)
    }

    @Test func aPictureOfTheRightSizeIsOnlyDividedBy255() {
        let image = RasterImage(
            size: ImageSize(width: 2, height: 2), pixels: [0, 1, 2, 3, 4, 5, 6, 7, 8, 253, 254, 255])
        let transform = ResizeMode.letterbox.transform(imageSize: image.size, networkSize: image.size)
        let floats = image.planarFloats(transform: transform)
        #expect(floats == [0, 3, 6, 253, 1, 4, 7, 254, 2, 5, 8, 255].map { Float($0) / 255 })
    }

    @Test func paddingIsGreyAndChannelsCanBeSwapped() {
        let image = RasterImage(size: ImageSize(width: 2, height: 1), pixels: [10, 20, 30, 10, 20, 30])
        let transform = ResizeMode.letterbox.transform(
            imageSize: image.size, networkSize: ImageSize(width: 2, height: 2))
        let plain = image.planarFloats(transform: transform)
        #expect(plain[0] == 10.0 / 255 && plain[2] == 114.0 / 255 && plain[4] == 20.0 / 255)
        let swapped = image.planarFloats(
            transform: transform, padding: .byte(0),
            scaling: Normalization(divisor: 1, mean: [1, 2, 3], standardDeviation: [2, 2, 2], swapsRedAndBlue: true))
        #expect(swapped[0] == (30 - 3) / 2 && swapped[2] == (0 - 3) / 2.0 && swapped[8] == (10 - 1) / 2.0)
    }

    /// Values computed with OpenCV 5's `resize(INTER_LINEAR)`: a row 0, 100, 200 enlarged to seven columns.
    @Test func enlargingInterpolatesBetweenPixelCentres() {
        let image = RasterImage(
            size: ImageSize(width: 3, height: 1), pixels: [0, 0, 0, 100, 100, 100, 200, 200, 200])
        let transform = ResizeMode.stretch.transform(imageSize: image.size, networkSize: ImageSize(width: 7, height: 1))
        let bytes = image.planarFloats(transform: transform)[..<7].map { ($0 * 255).rounded() }
        #expect(bytes == [0, 14, 57, 100, 143, 186, 200])
    }

    @Test(arguments: [(1, 1, 9, 5), (1, 7, 3, 3), (7, 1, 2, 4), (5, 3, 1, 1), (640, 3, 7, 2)])
    func oddSizesFillTheirTarget(width: Int, height: Int, across: Int, down: Int) {
        let image = RasterImage(
            size: ImageSize(width: width, height: height), color: RGBColor(red: 200, green: 100, blue: 50))
        let transform = ResizeMode.stretch.transform(
            imageSize: image.size, networkSize: ImageSize(width: across, height: down))
        let floats = image.planarFloats(transform: transform)
        #expect(floats.count == 3 * across * down)
        #expect(floats[..<(across * down)].allSatisfy { $0 == 200.0 / 255 })
        #expect(floats[(2 * across * down)...].allSatisfy { $0 == 50.0 / 255 })
    }

    /// Equal to Pillow's bilinear filter, byte for byte, on the fixture that scripts/make_family_fixtures.py makes.
    @Test func shrinkingByAveragingIsThatOfPillow() throws {
        struct Fixture: Decodable {
            struct Case: Decodable {
                let width: Int
                let height: Int
                let pixels: [UInt8]
            }
            let width: Int
            let height: Int
            let pixels: [UInt8]
            let cases: [Case]
        }
        let fixture = try JSONDecoder().decode(
            Fixture.self, from: Data(contentsOf: TestFiles.fixture("resample.json")))
        let noise = RasterImage(size: ImageSize(width: fixture.width, height: fixture.height), pixels: fixture.pixels)
        for example in fixture.cases {
            let size = ImageSize(width: example.width, height: example.height)
            let different = zip(noise.resampled(to: size).pixels, example.pixels).count { $0 != $1 }
            #expect(different == 0, "\(size)")
        }
    }

    @Test func contrastStepsSpreadGreyValues() {
        let size = ImageSize(width: 64, height: 48)
        let dull = RasterImage(size: size, pixels: (0..<3 * size.area).map { UInt8(100 + ($0 / 3 % 64) / 2) })
        for spread in [dull.stretched(), dull.equalized()] {
            let values = spread.pixels.sorted()
            #expect(values[values.count / 50] < 16 && values[values.count * 49 / 50] > 240)
        }
        let adaptive = dull.adaptivelyEqualized()
        #expect(Set(adaptive.pixels).count > 16 && adaptive.size == size)
        #expect(RasterImage(size: size, color: .black).stretched().pixels.allSatisfy { $0 == 0 })
        let part = dull.cropped(to: ImageRegion(x: 60, y: 40, size: ImageSize(width: 10, height: 10)))
        #expect(part.size == ImageSize(width: 4, height: 8) && part.pixels[0] == 130)
    }

    @Test func aPictureOfTheRightSizeIsOnlyScaled() {
        let size = ImageSize(width: 13, height: 5)
        let pixels = (0..<3 * size.area).map { UInt8(truncatingIfNeeded: $0 &* 97 &+ 11) }
        let transform = ImageTransform(
            imageSize: ImageSize(width: 26, height: 10), networkSize: ImageSize(width: 16, height: 8),
            resizedSize: size,
            left: 2, top: 1)
        let scaling = Normalization(
            divisor: 255, mean: [0.1, 0.2, 0.3], standardDeviation: [0.5, 0.6, 0.7], swapsRedAndBlue: true)
        let floats = RasterImage(size: size, pixels: pixels).planarFloats(transform: transform, scaling: scaling)
        for channel in 0..<3 {
            let own = 2 - channel
            for y in 0..<8 {
                for x in 0..<16 {
                    let isInside = (2..<15).contains(x) && (1..<6).contains(y)
                    let byte = isInside ? pixels[3 * ((y - 1) * 13 + x - 2) + own] : 114
                    let expected = (Float(byte) / 255 - scaling.mean[own]) / scaling.standardDeviation[own]
                    #expect(floats[(channel * 8 + y) * 16 + x] == expected)
                }
            }
        }
    }
}
