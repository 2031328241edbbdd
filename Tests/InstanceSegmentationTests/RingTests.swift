import Foundation
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Rings along the edges of pixels, and what is left of them when they are simplified.
@Suite struct RingTests {
    /// The pixels whose centers are inside an odd number of rings: the stated rule, decided by crossing numbers of each row.
    static func filled(_ polygons: [MaskPolygon], size: ImageSize) -> Mask {
        let rings = polygons.flatMap(\.rings)
        var rows: [[Mask.Run]] = []
        for y in 0..<size.height {
            var crossings: [Double] = []
            for ring in rings {
                for (a, b) in zip(ring.points, ring.points.dropFirst() + ring.points.prefix(1))
                where (a.y > Double(y) + 0.5) != (b.y > Double(y) + 0.5) {
                    crossings.append(a.x + (Double(y) + 0.5 - a.y) * (b.x - a.x) / (b.y - a.y))
                }
            }
            crossings.sort()
            var runs: [Mask.Run] = []
            for i in stride(from: 0, to: crossings.count - 1, by: 2) where crossings[i] < crossings[i + 1] {
                let (start, end) = (Int((crossings[i] - 0.5).rounded(.up)), Int((crossings[i + 1] - 0.5).rounded(.up)))
                guard start < end else { continue }
                if let last = runs.last, Int(last.end) == start {
                    runs[runs.count - 1] = Mask.Run(start: Int(last.start), end: end)
                } else {
                    runs.append(Mask.Run(start: start, end: end))
                }
            }
            rows.append(runs)
        }
        return Mask(imageSize: size, top: 0, rows: rows)
    }

    private func isSimple(_ ring: Polygon) -> Bool {
        Set(ring.points).count == ring.points.count && ring.points.count >= 4
    }

    @Test func aRectangleHasItsFourCorners() {
        let mask = Mask(
            imageSize: ImageSize(width: 10, height: 8),
            pixels: (0..<80).map { (3...7).contains($0 % 10) && (2...5).contains($0 / 10) ? 1 : 0 })
        #expect(
            mask.boundaryPolygons.count == 1 && mask.boundaryPolygons[0].outer.points.count == 4
                && mask.boundaryPolygons[0].holes.isEmpty)
        #expect(
            Set(mask.boundaryPolygons[0].outer.points)
                == [PixelPoint(x: 3, y: 2), PixelPoint(x: 8, y: 2), PixelPoint(x: 8, y: 6), PixelPoint(x: 3, y: 6)])
        #expect(mask.boundaryPolygons[0].outer.signedArea == 20)
        #expect(Mask(imageSize: ImageSize(width: 2, height: 2), pixels: [0, 0, 0, 0]).boundaryPolygons.isEmpty)
        #expect(
            Mask(imageSize: ImageSize(width: 2, height: 2), pixels: [0, 1, 0, 0]).boundaryPolygons[0].outer.signedArea
                == 1)
    }

    @Test func partsAndHolesAreToldApart() {
        let rows = [
            "#######...", "#.....#.##", "#.###.#.##", "#.#.#.#...", "#.###.#.#.", "#.....#..#", "#######.#.",
        ]
        let size = ImageSize(width: 10, height: 7)
        let mask = Mask(imageSize: size, pixels: rows.flatMap { $0.utf8.map { $0 == 35 ? 1 : 0 } })
        let polygons = mask.boundaryPolygons
        #expect(polygons.map(\.holes.count).sorted() == [0, 0, 0, 0, 1, 1])
        #expect(
            polygons.reduce(0) { $0 + $1.outer.signedArea + $1.holes.reduce(0) { $0 + $1.signedArea } }
                == Double(mask.area))
        #expect(Self.filled(polygons, size: size).pixels == mask.pixels)
    }

    @Test func fillingGivesBackAnyMask() {
        var seed: UInt64 = 3
        func random() -> Double {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(seed >> 11) / Double(1 << 53)
        }
        for (width, height, density) in [
            (1, 1, 1.0), (9, 7, 0.5), (31, 20, 0.5), (64, 48, 0.4), (64, 48, 0.9), (40, 40, 0.02),
        ] {
            for _ in 0..<20 {
                let size = ImageSize(width: width, height: height)
                let mask = Mask(imageSize: size, pixels: (0..<size.area).map { _ in random() < density ? 1 : 0 })
                let polygons = mask.boundaryPolygons
                #expect(Self.filled(polygons, size: size).pixels == mask.pixels)
                #expect(polygons.allSatisfy { $0.rings.allSatisfy(isSimple) })
                #expect(polygons.allSatisfy { $0.outer.signedArea > 0 && $0.holes.allSatisfy { $0.signedArea < 0 } })
                let area = polygons.reduce(0) { $0 + $1.rings.reduce(0) { $0 + $1.signedArea } }
                #expect(area == Double(mask.area))
            }
        }
    }

    @Test(arguments: [0, 0.5, 1, 2, 5, 50]) func simplifiedRingsStayWithinTheirTolerance(tolerance: Double) {
        let size = ImageSize(width: 300, height: 200)
        let blob = Mask(
            imageSize: size,
            pixels: (0..<size.area).map { i in
                let (x, y) = (Double(i % 300) - 150, Double(i / 300) - 100)
                let angle = atan2(y, x)
                return (x * x + y * y).squareRoot() < 60 + 25 * sin(5 * angle) + 5 * sin(31 * angle) ? 1 : 0
            })
        let ring = blob.boundaryPolygons[0].outer
        let simple = ring.simplified(tolerance: tolerance)
        #expect(simple.points.count >= 3 && simple.points.count <= ring.points.count)
        if tolerance >= 1 { #expect(simple.points.count < ring.points.count / 2) }
        #expect(Set(simple.points).isSubset(of: ring.points))
        for point in ring.points {
            let near = zip(simple.points, simple.points.dropFirst() + simple.points.prefix(1)).map {
                point.squaredDistance(toSegment: $0, $1)
            }.min()
            #expect((near ?? .infinity) <= tolerance * tolerance + 1e-9)
        }
    }

    @Test func aSliverKeepsThreePoints() {
        let line = Polygon(points: [
            PixelPoint(x: 0, y: 0), PixelPoint(x: 10, y: 0), PixelPoint(x: 10, y: 1), PixelPoint(x: 0, y: 1),
        ])
        #expect(line.simplified(tolerance: 5).points.count == 3)
        #expect(line.simplified(tolerance: 0).points.count == 4)
    }

    @Test func holesBelongToTheSmallestRingAroundThePixelAboveThem() {
        var holes = 0
        for seed in 0..<300 as Range<UInt64> {
            let polygons = randomMask(width: 24, height: 20, density: 0.45 + Double(seed % 5) * 0.1, seed: seed)
                .boundaryPolygons
            for polygon in polygons {
                for hole in polygon.holes {
                    let corner = hole.points.min { ($0.y, $0.x) < ($1.y, $1.x) } ?? PixelPoint(x: 0, y: 0)
                    let around = polygons.filter { $0.outer.contains(PixelPoint(x: corner.x + 0.5, y: corner.y - 0.5)) }
                    let smallest = around.min { $0.outer.signedArea < $1.outer.signedArea }
                    #expect(smallest == polygon, "seed \(seed)")
                    holes += 1
                }
            }
        }
        #expect(holes > 3000)
    }

    @Test(.timeLimit(.minutes(1))) func tensOfThousandsOfHolesFindTheirRings() {
        // Squares with a hole each: comparing each hole with each square took minutes.
        let side = 600
        let row = { (isSet: (Int) -> Bool) in
            (0..<side).filter { isSet($0 % 4) }.map { Mask.Run(start: $0, end: $0 + 1) }
        }
        let full = stride(from: 0, to: side, by: 4).map { Mask.Run(start: $0, end: $0 + 3) }
        let rows = [full, row { $0 == 0 || $0 == 2 }, full, []]
        let mask = Mask(
            imageSize: ImageSize(width: side, height: side), top: 0, rows: (0..<side).map { rows[$0 % 4] })
        let polygons = mask.boundaryPolygons
        #expect(polygons.count == 22_500 && polygons.allSatisfy { $0.holes.count == 1 })
    }

    @Test(.timeLimit(.minutes(1))) func simplifyingTakesNoTimeThatGrowsWithTheSquareOfThePoints() {
        // The point farthest from each line is at its end.
        func zigzag(_ count: Int) -> Polygon {
            Polygon(points: (0..<count).map { PixelPoint(x: Double($0), y: $0 % 2 == 0 ? 0 : Double($0)) })
        }
        #expect(zigzag(100_000).simplified(tolerance: 0.5).points.count > 90_000)
        let ring = zigzag(4000)
        let simple = ring.simplified(tolerance: 300)
        #expect(simple.points.count < 3900)
        // What is left out is near the line that replaces it, however the lines were cut.
        var next = 0
        for point in ring.points + [ring.points[0]] {
            if next < simple.points.count, point == simple.points[next] {
                next += 1
            } else {
                let start = simple.points[next - 1], end = simple.points[next % simple.points.count]
                #expect(point.squaredDistance(toSegment: start, end) <= 300 * 300)
            }
        }
        #expect(next == simple.points.count)
    }
}
