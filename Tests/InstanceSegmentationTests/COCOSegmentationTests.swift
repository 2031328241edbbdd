import Imaging
import Testing

@testable import InstanceSegmentation

/// What an annotation costs is bounded for a whole file.
@Suite struct COCOSegmentationTests {
    /// A polygon that runs to and fro along one line and has no pixels.
    private func line(_ times: Int) -> JSONValue {
        .list([.numbers((0..<times).flatMap { _ in [0, 10, 1000, 10] })])
    }

    private let size = ImageSize(width: 1000, height: 20)

    @Test func linesThatUndoEachOtherAreCountedForTheWholeFile() throws {
        var decoder = COCOSegmentation(maxTotalCrossings: 50_000)
        for _ in 0..<5 { #expect(try decoder.mask(line(5), size: size)?.isEmpty == true) }
        #expect { try decoder.mask(.list([.numbers([1, 1, 5, 1, 5, 5])]), size: size) } throws: {
            ($0 as? COCOSegmentation.Fault)?.reason.contains("more than 50000 times") == true
        }
        var other = COCOSegmentation(maxTotalCrossings: 50_000)
        #expect(throws: COCOSegmentation.Fault.self) { try other.mask(line(26), size: size) }
    }

    @Test func whatARingCostsIsTakenFromWhatRemains() {
        var remaining = 100
        _ = RunLengthEncoding(size: size, cocoRing: [0, 0, 10, 0, 10, 10, 0, 10], remaining: &remaining)
        #expect(remaining == 80)
        #expect(RunLengthEncoding(size: size, cocoRing: [0, 0, 900, 0, 0, 9], remaining: &remaining) == nil)
        #expect(remaining < 0)
    }
}
