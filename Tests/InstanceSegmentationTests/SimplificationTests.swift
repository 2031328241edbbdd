import Foundation
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Rings with fewer points stay valid: they cross neither themselves nor each other, at any tolerance.
@Suite struct SimplificationTests {
    static let tolerances = [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 100]

    /// Why rings are not valid; `nil` where they are. Compares all segments with all others.
    static func fault(in rings: [Polygon], canTouch: Bool) -> String? {
        struct Segment {
            let ring: Int
            let index: Int
            let count: Int
            let a: PixelPoint
            let b: PixelPoint
        }
        var segments: [Segment] = []
        for (number, ring) in rings.enumerated() {
            let count = ring.points.count
            if count < 3 { return "ring \(number) has \(count) points" }
            if abs(ring.signedArea) < 1e-9 { return "ring \(number) has no area" }
            for i in 0..<count {
                segments.append(
                    Segment(ring: number, index: i, count: count, a: ring.points[i], b: ring.points[(i + 1) % count]))
            }
        }
        func cross(_ a: PixelPoint, _ b: PixelPoint, _ c: PixelPoint) -> Double {
            let value = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
            return abs(value) < 1e-9 ? 0 : value
        }
        func isOn(_ p: PixelPoint, _ s: Segment) -> Bool {
            cross(s.a, s.b, p) == 0 && min(s.a.x, s.b.x) <= p.x && p.x <= max(s.a.x, s.b.x)
                && min(s.a.y, s.b.y) <= p.y && p.y <= max(s.a.y, s.b.y)
        }
        segments.sort { min($0.a.x, $0.b.x) < min($1.a.x, $1.b.x) }
        for i in segments.indices {
            let s = segments[i]
            let right = max(s.a.x, s.b.x)
            for j in segments[(i + 1)...].indices {
                let t = segments[j]
                if min(t.a.x, t.b.x) > right { break }
                let isNext = s.ring == t.ring && (s.index + 1) % s.count == t.index
                let isPrevious = s.ring == t.ring && (t.index + 1) % s.count == s.index
                if isNext || isPrevious {
                    let (far, shared) = isNext ? (t.b, s.a) : (s.b, t.a)
                    if isOn(far, isNext ? s : t) || isOn(shared, isNext ? t : s) { return "a spike at \(s.b)" }
                    continue
                }
                let (c1, c2) = (cross(s.a, s.b, t.a), cross(s.a, s.b, t.b))
                let (c3, c4) = (cross(t.a, t.b, s.a), cross(t.a, t.b, s.b))
                if c1 * c2 < 0, c3 * c4 < 0 { return "\(s.a)-\(s.b) crosses \(t.a)-\(t.b)" }
                let shared = [s.a, s.b].filter { $0 == t.a || $0 == t.b }
                let touches = isOn(t.a, s) || isOn(t.b, s) || isOn(s.a, t) || isOn(s.b, t)
                guard touches else { continue }
                if !canTouch || s.ring == t.ring || shared.count != 1 { return "\(s.a)-\(s.b) touches \(t.a)-\(t.b)" }
                // Two rings that share a corner have nothing else in common there.
                if [t.a, t.b].contains(where: { !shared.contains($0) && isOn($0, s) })
                    || [s.a, s.b].contains(where: { !shared.contains($0) && isOn($0, t) })
                {
                    return "\(s.a)-\(s.b) lies along \(t.a)-\(t.b)"
                }
            }
        }
        return nil
    }

    /// How far the points of a ring are from another one, at most.
    static func distance(of points: [PixelPoint], to ring: Polygon) -> Double {
        let sides = Array(zip(ring.points, ring.points.dropFirst() + ring.points.prefix(1)))
        return points.map { point in
            sides.map { point.squaredDistance(toSegment: $0, $1) }.min() ?? .infinity
        }.max().map { $0.squareRoot() } ?? 0
    }

    /// Objects of many kinds: noise, blobs with holes, thin branches.
    static func mask(seed: UInt64) -> Mask {
        let size = ImageSize(width: 40 + Int(seed * 7 % 50), height: 30 + Int(seed * 11 % 40))
        if seed % 3 == 0 {
            return randomMask(width: size.width, height: size.height, density: 0.3 + Double(seed % 7) / 10, seed: seed)
        }
        var random = SeededRandom(seed: seed)
        let waves = (0..<6).map { _ in
            (
                Double.random(in: -0.5...0.5, using: &random), Double.random(in: -0.5...0.5, using: &random),
                Double.random(in: 0...6, using: &random)
            )
        }
        let level = seed % 3 == 1 ? 0.4 : 0.0
        let isThin = seed % 6 == 5
        return Mask(
            imageSize: size,
            pixels: (0..<size.area).map { i in
                let (x, y) = (Double(i % size.width), Double(i / size.width))
                let value = waves.reduce(0) { $0 + sin($1.0 * x + $1.1 * y + $1.2) }
                return isThin ? (abs(value) < 0.12 ? 1 : 0) : (value > level ? 1 : 0)
            })
    }

    @Test(arguments: 0..<60 as Range<UInt64>) func ringsOfAnObjectNeverCross(seed: UInt64) {
        let polygons = Self.mask(seed: seed).boundaryPolygons
        for tolerance in Self.tolerances {
            let simple = polygons.simplified(tolerance: tolerance)
            let rings = simple.flatMap(\.rings)
            if let fault = Self.fault(in: rings, canTouch: true) {
                Issue.record("seed \(seed), tolerance \(tolerance): \(fault)")
            }
            for (ring, whole) in zip(rings, polygons.flatMap(\.rings)) {
                #expect(Set(ring.points).isSubset(of: whole.points))
                #expect((ring.signedArea > 0) == (whole.signedArea > 0), "seed \(seed), tolerance \(tolerance)")
                #expect(Self.distance(of: whole.points, to: ring) <= tolerance + 1e-9, "seed \(seed)")
            }
            // Holes stay in their rings, and parts outside of each other.
            for part in simple {
                for hole in part.holes {
                    let inside = hole.points.filter { point in
                        !part.outer.points.contains(point)
                            && !zip(part.outer.points, part.outer.points.dropFirst() + part.outer.points.prefix(1))
                                .contains { point.squaredDistance(toSegment: $0, $1) < 1e-12 }
                    }
                    #expect(inside.allSatisfy { part.outer.contains($0) }, "seed \(seed), tolerance \(tolerance)")
                }
            }
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>) func outlinesNeverCrossOrTouchThemselves(seed: UInt64) throws {
        let mask = Self.mask(seed: seed)
        let whole = try #require(mask.hostedOutline)
        for scale in [1, 3.7] {
            let size = ImageSize(
                width: Int(Double(mask.imageSize.width) * scale), height: Int(Double(mask.imageSize.height) * scale))
            let across = Double(size.width) / Double(mask.imageSize.width)
            let down = Double(size.height) / Double(mask.imageSize.height)
            for tolerance in Self.tolerances {
                let simple = try #require(mask.hostedOutline(in: size, tolerance: tolerance))
                if let fault = Self.fault(in: [simple], canTouch: false) {
                    Issue.record("seed \(seed), tolerance \(tolerance), scale \(scale): \(fault)")
                }
                let points = whole.points.map { PixelPoint(x: $0.x * across, y: $0.y * down) }
                #expect(Self.distance(of: points, to: simple) <= tolerance + 0.0075, "seed \(seed), \(tolerance)")
                #expect(
                    simple.points.allSatisfy {
                        (0...Double(size.width)).contains($0.x) && (0...Double(size.height)).contains($0.y)
                    })
            }
        }
    }

    @Test func anOutlineThatRunsForthAndBackIsMovedApart() throws {
        let rows = ["..........", ".###......", ".#########", ".###......", "...#......", "...#......"]
        let mask = Mask(
            imageSize: ImageSize(width: 10, height: 6), pixels: rows.flatMap { $0.utf8.map { $0 == 35 ? 1 : 0 } })
        #expect(Self.fault(in: [try #require(mask.hostedOutline)], canTouch: false) != nil)
        let simple = try #require(mask.hostedOutline(in: mask.imageSize, tolerance: 0.5))
        #expect(Self.fault(in: [simple], canTouch: false) == nil)
        #expect(simple.points.contains(PixelPoint(x: 9, y: 2)))
    }

    /// The way around a mask with narrow teeth: replacing a tooth's sides by one line each made them cross.
    @Test func combsKeepTheirTeethApart() {
        let size = ImageSize(width: 120, height: 60)
        let mask = Mask(
            imageSize: size,
            pixels: (0..<size.area).map { i in
                let (x, y) = (i % 120, i / 120)
                return y > 45 || (x + y / 5) % 4 < 2 && y > 5 + x % 7 ? 1 : 0
            })
        for tolerance in Self.tolerances {
            let rings = mask.boundaryPolygons.simplified(tolerance: tolerance).flatMap(\.rings)
            #expect(Self.fault(in: rings, canTouch: true) == nil, "tolerance \(tolerance)")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [0.5, 3, 30, 1000])
    func ringsOfAHundredThousandPointsTakeNoTime(tolerance: Double) {
        let side = 6000.0
        let ring = Polygon(
            points: (0..<120_000).map { i in
                let angle = Double(i) / 120_000 * 2 * .pi
                let radius = side / 2 * (0.7 + 0.2 * sin(angle * 9) + 0.05 * sin(angle * 4001))
                return PixelPoint(
                    x: (side / 2 + radius * cos(angle)).rounded(), y: (side / 2 + radius * sin(angle)).rounded())
            })
        #expect(ring.simplified(tolerance: tolerance).points.count < 100_000)
    }

    @Test func whatIsNoNumberIsLeftAlone() {
        let ring = Polygon(points: [
            PixelPoint(x: 0, y: 0), PixelPoint(x: .nan, y: 1), PixelPoint(x: 2, y: .infinity), PixelPoint(x: 3, y: 0),
        ])
        #expect(ring.simplified(tolerance: 1).points.count == 4)
        #expect(Polygon(points: []).simplified(tolerance: 1).points.isEmpty)
    }
}
