import Imaging
import TestSupport

@testable import InstanceSegmentation

/// Objects of an image as its tiles and the image as a whole show them: shifted, cut off, missing, of other classes.
struct TiledScene {
    let size: ImageSize
    var parts: [(region: ImageRegion, detections: [Detection])] = []
    let options: PredictionOptions

    /// Number of detections in all parts.
    var count: Int { parts.reduce(0) { $0 + $1.detections.count } }

    /// Creates a scene at random.
    init(random: inout SeededRandom) {
        size = ImageSize(width: .random(in: 20...90, using: &random), height: .random(in: 20...60, using: &random))
        let tiling = Tiling(side: .random(in: 12...40, using: &random), overlap: .random(in: 0...0.8, using: &random))
        options = PredictionOptions(
            iouThreshold: .random(in: 0...1, using: &random),
            maxDetections: [3, 300].randomElement(using: &random) ?? 300)
        let classes = Int.random(in: 1...3, using: &random)
        let whole = ImageRegion(x: 0, y: 0, size: size)
        let shapes = (0..<Int.random(in: 1...5, using: &random)).map { _ in
            Shape(in: size, classes: classes, random: &random)
        }
        for region in [whole] + tiling.tiles(of: size).prefix(12) {
            let seen = shapes.compactMap { $0.detection(in: region, random: &random) }
            parts.append((region, seen))
        }
    }

    /// What the merger makes of the scene.
    func merged(_ options: PredictionOptions) async throws -> [Detection] {
        var merger = TileMerger(imageSize: size)
        for part in parts { merger.add(part.detections, of: part.region) }
        return try await merger.merged(options)
    }

    /// A rectangle, an ellipse or loose rows.
    private struct Shape {
        let x, y, width, height, classID, kind: Int

        init(in size: ImageSize, classes: Int, random: inout SeededRandom) {
            width = .random(in: 2...size.width, using: &random)
            height = .random(in: 2...size.height, using: &random)
            x = .random(in: 0...size.width - width, using: &random)
            y = .random(in: 0...size.height - height, using: &random)
            classID = .random(in: 0..<classes, using: &random)
            kind = .random(in: 0..<3, using: &random)
        }

        private func runs(inRow row: Int, random: inout SeededRandom) -> [ClosedRange<Int>] {
            switch kind {
            case 0: return [0...width - 1]
            case 1:
                let t = (Double(row) + 0.5) / Double(height) * 2 - 1
                let half = max((1 - t * t).squareRoot() * Double(width) / 2, 0.5)
                return [Int(Double(width) / 2 - half)...max(Int(Double(width) / 2 + half) - 1, 0)]
            default:
                return stride(from: 0, to: width, by: 3).filter { _ in Bool.random(using: &random) }.map {
                    $0...min($0 + 1, width - 1)
                }
            }
        }

        func detection(in region: ImageRegion, random: inout SeededRandom) -> Detection? {
            guard Int.random(in: 0..<8, using: &random) > 0 else { return nil }
            let across = Int.random(in: -2...2, using: &random), down = Int.random(in: -2...2, using: &random)
            let left = x + across - region.x, top = y + down - region.y
            let (columns, rows) = (0..<region.size.width, 0..<region.size.height)
            var masked: [[Mask.Run]] = []
            for row in rows {
                guard (top..<top + height).contains(row) else {
                    masked.append([])
                    continue
                }
                masked.append(
                    runs(inRow: row - top, random: &random).compactMap { run in
                        let kept = (run.lowerBound + left..<run.upperBound + 1 + left).clamped(to: columns)
                        return kept.isEmpty ? nil : Mask.Run(start: kept.lowerBound, end: kept.upperBound)
                    })
            }
            let mask = Mask(imageSize: region.size, top: 0, rows: masked)
            guard !mask.isEmpty, let box = mask.bounds else { return nil }
            return Detection(
                classID: classID, className: "class \(classID)",
                confidence: Float(Int.random(in: 40...99, using: &random)) / 100, box: box, mask: mask)
        }
    }
}

extension Detection {
    /// A rectangle whose box is that of its mask.
    static func rectangle(
        in size: ImageSize, x: Int, y: Int, width: Int, height: Int, confidence: Float
    ) -> Detection {
        Detection(
            classID: 0, className: "", confidence: confidence,
            box: BoundingBox(x1: Double(x), y1: Double(y), x2: Double(x + width), y2: Double(y + height)),
            mask: Mask(
                imageSize: size, top: y, rows: Array(repeating: [Mask.Run(start: x, end: x + width)], count: height)))
    }
}

/// Merging by comparing all pairs of objects, for comparison.
enum ReferenceMerging {
    private struct SeenObject {
        var detection: Detection
        let region: ImageRegion
        let source: Int

        func isSame(as other: SeenObject) -> Bool {
            guard source != other.source, detection.classID == other.detection.classID,
                let shared = region.intersection(other.region)
            else { return false }
            let (mine, theirs) = (detection.mask.clipped(to: shared), other.detection.mask.clipped(to: shared))
            return !mine.isEmpty && !theirs.isEmpty && mine.iou(with: theirs) > 0.5
        }
    }

    static func merged(_ scene: TiledScene, _ options: PredictionOptions) -> [Detection] {
        let seen = scene.parts.enumerated().flatMap { source, part in
            part.detections.map {
                SeenObject(detection: $0.placed(in: scene.size, part.region), region: part.region, source: source)
            }
        }
        let sorted = seen.sorted { $0.detection.confidence > $1.detection.confidence }
        var isTaken = [Bool](repeating: false, count: sorted.count)
        var found: [(detection: Detection, sources: Set<Int>)] = []
        for first in sorted.indices where !isTaken[first] {
            var group = [first]
            isTaken[first] = true
            var next = 0
            while next < group.count {
                for other in sorted.indices where !isTaken[other] && sorted[group[next]].isSame(as: sorted[other]) {
                    isTaken[other] = true
                    group.append(other)
                }
                next += 1
            }
            var detection = sorted[first].detection
            for other in group.dropFirst().map({ sorted[$0].detection }) {
                detection.mask = detection.mask.union(other.mask)
                detection.box = detection.box.union(other.box)
            }
            let isSuppressed = found.contains {
                $0.detection.classID == detection.classID
                    && $0.sources.isDisjoint(with: group.map { sorted[$0].source })
                    && $0.detection.box.iou(with: detection.box) > options.iouThreshold
            }
            if !isSuppressed { found.append((detection, Set(group.map { sorted[$0].source }))) }
        }
        return Array(found.map(\.detection).prefix(options.maxDetections))
    }
}
