import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

@Suite struct TileMergingTests {
    @Test func theResultIsThatOfComparingAllPairs() async throws {
        var counts = (merged: 0, suppressed: 0)
        for seed in 0..<1000 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let scene = TiledScene(random: &random)
            let expected = ReferenceMerging.merged(scene, scene.options)
            let found = try await scene.merged(scene.options)
            #expect(found.count == expected.count, "seed \(seed)")
            for (found, expected) in zip(found, expected) {
                #expect(found.classID == expected.classID && found.confidence == expected.confidence, "seed \(seed)")
                #expect(found.box == expected.box, "seed \(seed)")
                #expect(found.mask == expected.mask, "seed \(seed)")
            }
            let groups = try await scene.merged(PredictionOptions(iouThreshold: 1, maxDetections: .max)).count
            counts.merged += scene.count - groups
            counts.suppressed += groups - expected.count
        }
        // The scenes are of use only if both happen often.
        #expect(counts.merged > 2500 && counts.suppressed > 500, "\(counts)")
    }

    @Test func anObjectOverAllTilesIsOne() async throws {
        let size = ImageSize(width: 400, height: 30)
        var merger = TileMerger(imageSize: size)
        let tiles = Tiling(side: 40, overlap: 0.5).tiles(of: size)
        for (index, tile) in tiles.enumerated() {
            let confidence = 0.5 + Float(index) / 100
            merger.add([.rectangle(in: tile.size, x: 0, y: 5, width: 40, height: 9, confidence: confidence)], of: tile)
        }
        let found = try await merger.merged(PredictionOptions())
        #expect(tiles.count == 19 && found.count == 1)
        #expect(found[0].mask.area == 400 * 9 && found[0].confidence == 0.5 + 18.0 / 100)
        #expect(found[0].box == BoundingBox(x1: 0, y1: 5, x2: 400, y2: 14))
    }

    @Test func masksOnACoarserGridAreMergedInImagePixels() async throws {
        let size = ImageSize(width: 80, height: 40)
        var merger = TileMerger(imageSize: size)
        var whole = Detection.rectangle(
            in: ImageSize(width: 20, height: 10), x: 2, y: 2, width: 5, height: 5, confidence: 0.9)
        whole.box = BoundingBox(x1: 8, y1: 8, x2: 28, y2: 28)
        merger.add([whole], of: ImageRegion(x: 0, y: 0, size: size))
        let tile = ImageRegion(x: 4, y: 0, size: ImageSize(width: 40, height: 40))
        merger.add([.rectangle(in: tile.size, x: 4, y: 8, width: 22, height: 20, confidence: 0.6)], of: tile)
        let found = try await merger.merged(PredictionOptions())
        #expect(found.count == 1 && found[0].mask.imageSize == size)
        #expect(found[0].mask.region == ImageRegion(x: 8, y: 8, size: ImageSize(width: 22, height: 20)))
    }

    @Test func ofTooManyObjectsTheMostConfidentAreMerged() async throws {
        let size = ImageSize(width: 3000, height: 10)
        let whole = ImageRegion(x: 0, y: 0, size: size)
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let all = (0..<1000).map { index in
                Detection.rectangle(
                    in: size, x: 3 * index, y: 0, width: 2, height: 2 + index % 5,
                    confidence: Float(Int.random(in: 1...500, using: &random)) / 500)
            }
            let best = all.enumerated().sorted {
                ($1.element.confidence, $0.offset) < ($0.element.confidence, $1.offset)
            }.map(\.element)
            var byCount = TileMerger(imageSize: size, limits: .init(maxObjects: 50))
            for detection in all { byCount.add([detection], of: whole) }
            let kept = try await byCount.merged(PredictionOptions(maxDetections: .max))
            #expect(kept.map(\.box) == best.prefix(50).map(\.box), "seed \(seed)")

            var byMemory = TileMerger(imageSize: size, limits: .init(maxMaskElements: 300))
            for detection in all { byMemory.add([detection], of: whole) }
            let small = try await byMemory.merged(PredictionOptions(maxDetections: .max))
            #expect(small.map(\.box) == best.prefix(small.count).map(\.box), "seed \(seed)")
            let elements = best.prefix(small.count + 1).map { $0.mask.rows.count + $0.mask.runs.count }
            #expect(elements.dropLast().reduce(0, +) <= 300 && elements.reduce(0, +) > 300, "seed \(seed)")
        }
    }

    /// Objects that all meet and of which no two agree: rows at random of one place.
    private func disagreeing(_ count: Int, limits: TileMerger.Limits) -> TileMerger {
        let size = ImageSize(width: 64, height: 64)
        var random = SeededRandom(seed: 5)
        var merger = TileMerger(imageSize: size, limits: limits)
        for index in 0..<count {
            let rows = (0..<64).map { _ in
                Int.random(in: 0..<3, using: &random) == 0 ? [Mask.Run(start: 0, end: 64)] : []
            }
            merger.add(
                [
                    Detection(
                        classID: 0, className: "", confidence: Float(count - index) / Float(count),
                        box: BoundingBox(x1: 0, y1: 0, x2: 64, y2: 64), mask: Mask(imageSize: size, top: 0, rows: rows))
                ], of: ImageRegion(x: 0, y: 0, size: size))
        }
        return merger
    }

    @Test(.timeLimit(.minutes(1))) func theWorkIsBoundedWhereAllObjectsMeet() async throws {
        let merger = disagreeing(20_000, limits: .init(maxWork: 1 << 22))
        // The boxes say what the masks do not.
        #expect(try await merger.merged(PredictionOptions()).count == 1)
    }

    @Test func moreConfidentObjectsAreMergedFirst() async throws {
        let size = ImageSize(width: 500, height: 10)
        let whole = ImageRegion(x: 0, y: 0, size: size)
        let pairs = (0..<100).map { index in
            Detection.rectangle(
                in: size, x: 5 * index, y: 0, width: 4, height: 4, confidence: 1 - Float(index) / 200)
        }
        // Without suppression by boxes, pairs that were not compared stay two.
        let options = PredictionOptions(iouThreshold: 1, maxDetections: .max)
        for (work, expected) in [(0, 200...200), (200, 101...199), (1 << 20, 100...100)] {
            var merger = TileMerger(imageSize: size, limits: .init(maxWork: work))
            merger.add(pairs, of: whole)
            merger.add(pairs, of: whole)
            let found = try await merger.merged(options)
            #expect(expected.contains(found.count), "\(found.count) with \(work) steps")
            let confidences = found.map(\.confidence)
            #expect(confidences.prefix(200 - found.count) == pairs.prefix(200 - found.count).map(\.confidence)[...])
        }
    }

    @Test func mergingEndsWhereItsTaskIsCanceled() async throws {
        for limits in [TileMerger.Limits(), TileMerger.Limits(workBetweenChecks: 1)] {
            let merger = disagreeing(3000, limits: limits)
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await merger.merged(PredictionOptions())
            }
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }
}
