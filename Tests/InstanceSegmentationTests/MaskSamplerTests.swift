import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Masks are made on any grid, of any part of an image.
@Suite struct MaskSamplerTests {
    /// Where an image's side of so many pixels begins and ends in the part that the network sees.
    private func parts(of side: Int) -> [(start: Int, length: Int)] {
        (0..<side).flatMap { start in Set([1, (side - start + 1) / 2, side - start]).map { (start, $0) } }
    }

    @Test func everyPartOfEveryImageIsWithinEveryGrid() {
        let network = ImageSize(width: 32, height: 32)
        for side in 1...40 {
            for (start, length) in parts(of: side) {
                // One axis of that side, the other of its complement, whose part ends at the image's end.
                let other = 41 - side
                let begin = min(start, other - 1)
                let part = ImageSize(width: length, height: other - begin)
                let transform = ImageTransform(
                    imageSize: ImageSize(width: side, height: other), crop: ImageRegion(x: start, y: begin, size: part),
                    networkSize: network, resizedSize: ResizeMode.letterboxed(part, into: network), left: 0, top: 0)
                for share in [0, 0.1, 0.5, 0.9, 1] {
                    for cells in [1, 8] {
                        check(transform, share, ImageSize(width: cells, height: cells))
                    }
                }
            }
        }
    }

    private func check(_ transform: ImageTransform, _ share: Double, _ cells: ImageSize) {
        let sampler = MaskSampler(cells: cells, transform: transform, resolution: .coarse(share))
        let (across, down) = sampler.allPixels
        let grid = sampler.transform.imageSize
        let isInside = (0...grid.width).contains(across.upperBound) && (0...grid.height).contains(down.upperBound)
        #expect(isInside && !across.isEmpty && !down.isEmpty, "\(transform), \(share)")
        guard isInside else { return }
        let ones = [Float](repeating: 1, count: cells.area)
        #expect(ones.withUnsafeBufferPointer { sampler.mask($0) }.area == across.count * down.count)
    }

    /// A crop of the right half of a narrow image, as a package may ask for.
    @Test func aNarrowImageWithACropHasACoarseMask() throws {
        var settings = ModelSettings()
        settings.steps = [.crop(left: 0.5, top: 0.5, right: 1, bottom: 1)]
        let model = try ModelFamily.model(for: .yolo(names: ["a"], coefficients: 1), settings: settings)
        for (width, height) in [(2, 2000), (16, 2048), (2000, 2), (1, 1), (3, 3)] {
            let transform = model.transform(for: ImageSize(width: width, height: height))
            for share in [0, 0.3, 1] { check(transform, share, ImageSize(width: 16, height: 16)) }
        }
    }
}
