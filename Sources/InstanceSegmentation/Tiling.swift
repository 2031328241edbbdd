public import Imaging

/// Looks at a large picture in overlapping tiles, each as large as the network likes it, so that small objects are found.
///
/// The whole picture is looked at too, for what is larger than a tile. What two tiles found is the same object where their masks
/// agree in the part of the picture that both saw; it then gets the pixels of both.
///
/// Source of the idea: Akyon et al., *Slicing Aided Hyper Inference* (2022), which merges by the overlap of boxes.
public struct Tiling: Hashable, Sendable {
    /// Side of a tile in pixels of the picture.
    public var side: Int
    /// Share of a tile that it has in common with the next, 0...0.9.
    public var overlap: Double

    public init(side: Int = 640, overlap: Double = 0.2) {
        self.side = side
        self.overlap = overlap
    }

    /// The tiles of a picture. All are of the same size; the last of a row or column is moved back to end at the picture's edge.
    public func tiles(of size: ImageSize) -> [ImageRegion] {
        func starts(_ length: Int) -> [Int] {
            guard length > side else { return [0] }
            let step = max(Int(Double(side) * (1 - min(max(overlap, 0), 0.9))), 1)
            return Array(stride(from: 0, to: length - side, by: step)) + [length - side]
        }
        return starts(size.height).flatMap { y in
            starts(size.width).map { x in
                ImageRegion(
                    x: x, y: y, size: ImageSize(width: min(side, size.width), height: min(side, size.height)))
            }
        }
    }
}

extension Segmenter {
    /// The objects in a picture that is looked at in tiles. The picture must be decoded in full.
    public func segment(
        _ image: Image, options: PredictionOptions = PredictionOptions(), tiling: Tiling
    ) async throws -> Segmentation {
        let whole = try await segment(image, options: options)
        let tiles = tiling.tiles(of: image.size)
        guard tiles.count > 1, image.size == image.fullSize else { return whole }
        var timing = whole.timing
        var nonFinite = whole.nonFiniteCount
        var seen = whole.detections.map {
            SeenObject(detection: $0, region: ImageRegion(x: 0, y: 0, size: image.size), source: 0)
        }
        for (index, tile) in tiles.enumerated() {
            try Task.checkCancellation()
            let part = try await segment(image.cropped(to: tile), options: options)
            timing.add(part.timing)
            nonFinite += part.nonFiniteCount
            seen += part.detections.map {
                SeenObject(detection: $0.placed(in: image.size, tile), region: tile, source: index + 1)
            }
        }
        let clock = ContinuousClock()
        let start = clock.now
        let merged = SeenObject.merged(seen, options)
        timing.postprocess += clock.now - start
        return Segmentation(
            imageSize: image.size, detections: merged, nonFiniteCount: nonFinite, timing: timing)
    }
}

extension Detection {
    fileprivate func placed(in size: ImageSize, _ tile: ImageRegion) -> Detection {
        var result = self
        let (x, y) = (Double(tile.x), Double(tile.y))
        result.box = BoundingBox(x1: box.x1 + x, y1: box.y1 + y, x2: box.x2 + x, y2: box.y2 + y)
        result.mask = mask.resized(to: tile.size).placed(in: size, x: tile.x, y: tile.y)
        return result
    }
}

extension StageTiming {
    fileprivate mutating func add(_ other: StageTiming) {
        queue += other.queue
        preprocess += other.preprocess
        inference += other.inference
        postprocess += other.postprocess
    }
}

/// What was found in one part of a picture, and which part that was.
private struct SeenObject {
    var detection: Detection
    var region: ImageRegion
    let source: Int

    /// Whether another is the same object: their masks agree where both looked.
    func isSame(as other: SeenObject) -> Bool {
        guard source != other.source, detection.classID == other.detection.classID,
            let shared = region.intersection(other.region)
        else { return false }
        let (mine, theirs) = (detection.mask.clipped(to: shared), other.detection.mask.clipped(to: shared))
        return !mine.isEmpty && !theirs.isEmpty && mine.iou(theirs) > 0.5
    }

    /// One object for all that are the same, most confident first.
    static func merged(_ seen: [SeenObject], _ options: PredictionOptions) -> [Detection] {
        let sorted = seen.sorted { $0.detection.confidence > $1.detection.confidence }
        var isTaken = [Bool](repeating: false, count: sorted.count)
        var found: [(detection: Detection, sources: Set<Int>)] = []
        for first in sorted.indices where !isTaken[first] {
            // An object that reaches over several tiles is joined from one to the next.
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
            // What only partly agrees is still one object where the boxes say so.
            let isSuppressed = found.contains {
                $0.detection.classID == detection.classID
                    && $0.sources.isDisjoint(with: group.map { sorted[$0].source })
                    && $0.detection.box.iou(detection.box) > options.overlap
            }
            if !isSuppressed { found.append((detection, Set(group.map { sorted[$0].source }))) }
        }
        return Array(found.map(\.detection).prefix(options.maxDetections))
    }
}

extension ImageRegion {
    /// The part that two regions have in common.
    fileprivate func intersection(_ other: ImageRegion) -> ImageRegion? {
        let (left, top) = (max(x, other.x), max(y, other.y))
        let right = min(x + size.width, other.x + other.size.width)
        let bottom = min(y + size.height, other.y + other.size.height)
        guard left < right, top < bottom else { return nil }
        return ImageRegion(x: left, y: top, size: ImageSize(width: right - left, height: bottom - top))
    }
}
