import Imaging
import Testing

@testable import InstanceSegmentation

@Suite struct RunLengthEncodingTests {
    /// Strings as pycocotools writes them.
    @Test func knownMasksHaveKnownStrings() {
        let small = RunLengthEncoding(mask([".....", ".###.", ".###.", "....."]))
        #expect(small.counts == [5, 2, 2, 2, 2, 2, 5])
        #expect(small.compressedCounts == "5220003")
        let full = RunLengthEncoding(mask(["##", "##"]))
        #expect(full.counts == [0, 4])
        #expect(full.compressedCounts == "04")
        #expect(RunLengthEncoding(mask(["..", ".."])).counts == [4])
    }

    @Test func aStringIsReadBack() throws {
        let text = "U36:0O2O00000000000001N10k2"
        let runs = try #require(RunLengthEncoding(size: ImageSize(width: 24, height: 16), compressedCounts: text))
        #expect(
            runs.counts == [101, 6, 10, 6, 9, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 9, 6, 10, 6, 101])
        #expect(runs.compressedCounts == text)
    }

    @Test func everyMaskSurvives() {
        for seed in 0..<200 {
            let mask = randomMask(
                width: 1 + seed % 17, height: 1 + seed % 11, density: Double(seed % 10) / 9, seed: UInt64(seed))
            let runs = RunLengthEncoding(mask)
            #expect(runs.counts.reduce(0, +) == mask.imageSize.area)
            #expect(runs.counts.dropFirst().allSatisfy { $0 > 0 })
            #expect(runs.mask.pixels == mask.pixels)
            #expect(RunLengthEncoding(size: mask.imageSize, compressedCounts: runs.compressedCounts) == runs)
        }
    }

    @Test func nonsenseIsRefused() {
        let size = ImageSize(width: 4, height: 4)
        for text in ["", "5220003", "~~~~", "PPPPPPPPPPPPPPPPPPPPP", " ", "ü"] {
            #expect(RunLengthEncoding(size: size, compressedCounts: text) == nil)
        }
    }

    @Test(arguments: [Double.nan, .infinity, 1e30]) func aLastNumberOfARingWithoutAPartnerIsNotLookedAt(last: Double) {
        let (size, ring) = (ImageSize(width: 12, height: 10), [0.0, 0, 9, 0, 9, 9])
        let whole = RunLengthEncoding(size: size, cocoRing: ring)
        #expect(whole != nil && RunLengthEncoding(size: size, cocoRing: ring + [last])?.counts == whole?.counts)
    }
}
