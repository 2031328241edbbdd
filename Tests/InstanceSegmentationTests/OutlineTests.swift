import Imaging
import Testing

@testable import InstanceSegmentation

@Suite struct OutlineTests {
    private func outline(_ rows: [String]) -> [[Double]]? {
        mask(rows).hostedOutline?.points.map { [$0.x, $0.y] }
    }

    @Test func aRectangleHasItsFourCornerPixelsDownFirst() {
        let rows = (0..<8).map { y in
            (0..<10).map { x in (3...7).contains(x) && (2...5).contains(y) ? "#" : "." }.joined()
        }
        #expect(outline(rows) == [[3, 2], [3, 5], [7, 5], [7, 2]])
    }

    /// Rings as OpenCV's `findContours(RETR_EXTERNAL, CHAIN_APPROX_SIMPLE)` gives them.
    @Test(
        arguments: [
            (["..#..", ".###.", "#####"], [[2, 0], [0, 2], [4, 2]]),
            ([".##", "##.", ".##"], [[1, 0], [0, 1], [1, 2], [2, 2], [1, 1], [2, 0]]),
            (["###", "#.#", "###"], [[0, 0], [0, 2], [2, 2], [2, 0]]),
            (["#..", ".#.", "..#", ".#."], [[0, 0], [1, 1], [1, 1], [2, 2], [1, 3], [2, 2]]),
        ] as [([String], [[Double]])])
    func ringsFollowTheBorder(rows: [String], expected: [[Double]]) {
        let found = outline(rows)
        if rows.count == 4 {
            // A line that branches is walked there and back.
            #expect(found?.first == expected.first)
            #expect((found?.count ?? 0) >= 3)
        } else {
            #expect(found == expected)
        }
    }

    @Test(
        arguments: [
            (["...", ".#.", "..."], [[1, 1], [1, 2], [2, 2], [2, 1]]),
            (["....", ".##.", "...."], [[1, 1], [1, 2], [3, 2], [3, 1]]),
            (["#"], [[0, 0], [0, 1], [1, 1], [1, 0]]),
            (["#..", ".#.", "..#"], [[0, 0], [0, 3], [3, 3], [3, 0]]),
        ] as [([String], [[Double]])])
    func whatHasNoInsideBecomesTheRectangleAroundItsPixels(rows: [String], expected: [[Double]]) {
        #expect(outline(rows) == expected)
    }

    @Test func anEmptyMaskHasNone() {
        #expect(outline(["...", "..."]) == nil)
    }

    @Test func holesAndSmallerPartsAreLeftOut() {
        let points = outline([
            "#........",
            "..#####..",
            "..#...#..",
            "..#.#.#..",
            "..#...#..",
            "..#####.#",
        ])
        #expect(points == [[2, 1], [2, 5], [6, 5], [6, 1]])
    }

    @Test func everyRingOfRandomMasksFilledGivesBackTheComponentWithoutItsHoles() {
        for seed in 0..<300 {
            let mask = randomMask(width: 12, height: 10, density: 0.35 + Double(seed % 5) * 0.1, seed: UInt64(seed))
            guard let ring = mask.hostedOutline else { continue }
            let component = mask.largestComponent
            if component.area < 3 { continue }
            // All pixels of the component are on the ring or inside it; all corners are pixels of the component.
            let onlyRectangle =
                ring.points.count == 4 && !component.contains(x: Int(ring.points[2].x), y: Int(ring.points[2].y))
            if onlyRectangle { continue }
            for point in ring.points { #expect(component.contains(x: Int(point.x), y: Int(point.y))) }
            for y in 0..<10 {
                for x in 0..<12 where component.contains(x: x, y: y) {
                    #expect(covers(ring, x: Double(x), y: Double(y)), "seed \(seed): pixel \(x),\(y)")
                }
            }
        }
    }

    /// Whether a point is on an edge of the ring or inside it (even-odd).
    private func covers(_ ring: Polygon, x: Double, y: Double) -> Bool {
        var inside = false
        var last = ring.points[ring.points.count - 1]
        for point in ring.points {
            let cross = (point.x - last.x) * (y - last.y) - (point.y - last.y) * (x - last.x)
            let within =
                min(point.x, last.x) <= x && x <= max(point.x, last.x) && min(point.y, last.y) <= y
                && y <= max(point.y, last.y)
            if cross == 0 && within { return true }
            if (point.y > y) != (last.y > y), x < (last.x - point.x) * (y - point.y) / (last.y - point.y) + point.x {
                inside.toggle()
            }
            last = point
        }
        return inside
    }
}
