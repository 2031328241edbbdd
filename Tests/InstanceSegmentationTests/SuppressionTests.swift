import Testing

@testable import InstanceSegmentation

@Suite struct SuppressionTests {
    private func candidate(_ index: Int, _ confidence: Float, x: Double, classID: Int = 0) -> Candidate {
        Candidate(
            box: BoundingBox(x1: x, y1: 0, x2: x + 10, y2: 10), confidence: confidence, outputClass: classID,
            index: index)
    }

    @Test func theWeakerOfTwoThatOverlapGoes() {
        let kept = nonMaximumSuppression(
            [candidate(0, 0.5, x: 1), candidate(1, 0.9, x: 0), candidate(2, 0.4, x: 30)], threshold: 0.3, maxCount: 300)
        #expect(kept.map(\.index) == [1, 2])
    }

    @Test func anOverlapAtTheThresholdStays() {
        // 5 of 15 columns in common.
        let pair = [candidate(0, 0.9, x: 0), candidate(1, 0.8, x: 5)]
        #expect(nonMaximumSuppression(pair, threshold: 1.0 / 3, maxCount: 300).count == 2)
        #expect(nonMaximumSuppression(pair, threshold: 0.333, maxCount: 300).count == 1)
    }

    @Test func classesDoNotSuppressOneAnotherUnlessAsked() {
        let pair = [candidate(0, 0.9, x: 0), candidate(1, 0.8, x: 0, classID: 1)]
        #expect(nonMaximumSuppression(pair, threshold: 0.3, maxCount: 300).count == 2)
        #expect(nonMaximumSuppression(pair, threshold: 0.3, isClassAgnostic: true, maxCount: 300).count == 1)
    }

    @Test func equalsKeepTheOrderOfTheNetwork() {
        let kept = nonMaximumSuppression(
            (0..<5).map { candidate($0, 0.5, x: Double($0) * 100) }.reversed(), threshold: 0.3, maxCount: 3)
        #expect(kept.map(\.index) == [0, 1, 2])
    }

    @Test func boxesWithoutAreaOverlapNothing() {
        let point = BoundingBox(x1: 5, y1: 5, x2: 5, y2: 5)
        #expect(point.iou(with: point) == 0)
        #expect(point.iou(with: BoundingBox(x1: 0, y1: 0, x2: 10, y2: 10)) == 0)
    }
}
