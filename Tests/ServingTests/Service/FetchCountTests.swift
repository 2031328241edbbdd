import TestSupport
import Testing

@testable import Serving

@Suite struct FetchCountTests {
    @Test func oneKeyLeavesHalfOfThePlacesToOthers() {
        let count = FetchCount(limit: 8)
        #expect((0..<8).count { _ in count.begin(for: "a") } == 4)
        #expect((0..<8).count { _ in count.begin(for: "b") } == 2)
        #expect((0..<8).count { _ in count.begin(for: nil) } == 1)
        count.end(for: "a")
        #expect(count.begin(for: "c"))
        for owner in ["a", "a", "a", "b", "b", nil, "c"] { count.end(for: owner) }
        #expect((0..<8).count { _ in count.begin(for: "a") } == 4)
    }

    @Test func aSinglePlaceIsUsed() {
        let count = FetchCount(limit: 1)
        #expect(count.begin(for: nil) && !count.begin(for: "a"))
    }
}
