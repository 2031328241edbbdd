import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

@Suite struct RegionIndexTests {
    private func region(random: inout SeededRandom) -> ImageRegion {
        // Of all sizes, also far outside and far apart.
        let reach = 1 << Int.random(in: 0...41, using: &random)
        let side = 1 << Int.random(in: 0...12, using: &random)
        return ImageRegion(
            x: .random(in: -reach...reach, using: &random) % 5000,
            y: .random(in: -reach...reach, using: &random) % 5000,
            size: ImageSize(width: .random(in: 1...side, using: &random), height: .random(in: 1...side, using: &random))
        )
    }

    @Test func allRegionsThatMeetAreFoundOnceAndInOrder() {
        for seed in 0..<200 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let regions = (0..<80).map { _ in region(random: &random) }
            let groups = regions.map { _ in Int.random(in: 0..<2, using: &random) }
            var index = RegionIndex()
            for (number, region) in regions.enumerated() {
                let lists = index.numbers(near: region, group: groups[number])
                let found = lists.flatMap(\.self)
                #expect(Set(found).count == found.count, "seed \(seed)")
                #expect(lists.allSatisfy { $0 == $0.sorted() && !$0.isEmpty }, "seed \(seed)")
                let expected = (0..<number).filter {
                    groups[$0] == groups[number] && regions[$0].intersection(region) != nil
                }
                #expect(Set(found).isSuperset(of: expected), "seed \(seed)")
                #expect(found.allSatisfy { groups[$0] == groups[number] && $0 < number }, "seed \(seed)")
                index.insert(number, region, group: groups[number])
            }
        }
    }

    @Test func fewRegionsThatAreFarAwayAreLookedAt() {
        var index = RegionIndex()
        for number in 0..<10_000 {
            index.insert(
                number, ImageRegion(x: number % 100 * 50, y: number / 100 * 50, size: ImageSize(width: 40, height: 60)),
                group: 0)
        }
        let near = index.numbers(
            near: ImageRegion(x: 2000, y: 2000, size: ImageSize(width: 60, height: 40)), group: 0)
        #expect(near.reduce(0) { $0 + $1.count } < 40)
    }

    @Test(arguments: [0, 1, 0.5, -0.5, 1e30, -1e30, .infinity, -.infinity, .nan, .greatestFiniteMagnitude] as [Double])
    func regionsAroundBoxesCanAlwaysBeComputedWith(corner: Double) {
        for other in [0, 10.5, -3, 1e30, -.infinity, .nan] {
            let region = ImageRegion(around: BoundingBox(x1: corner, y1: other, x2: other, y2: corner))
            var index = RegionIndex()
            index.insert(0, region, group: 0)
            #expect(index.numbers(near: region, group: 0) == [[0]])
        }
        #expect(
            ImageRegion(around: BoundingBox(x1: 1.5, y1: 2, x2: 3.1, y2: 3))
                == ImageRegion(x: 1, y: 2, size: ImageSize(width: 3, height: 1)))
    }
}
