import Foundation

/// COCO's measures of accuracy: twelve numbers from the matches between detections and ground truth.
///
/// A detection matches the unmatched object of its class with the highest overlap, if that reaches a threshold.
/// Precision is averaged over 101 recalls, then over ten thresholds (0.50, 0.55, ... 0.95), then over the classes that
/// have objects.
///
/// Source: Lin et al., *Microsoft COCO* (2014), and cocodataset.org/#detection-eval; equal to pycocotools' `COCOeval`.
public struct AveragePrecision: Sendable {
    /// A detection as the evaluation needs it.
    public struct Candidate: Sendable {
        public let imageID: Int
        public let categoryID: Int
        public let confidence: Double
        public let box: BoundingBox
        public let mask: Mask

        public init(imageID: Int, categoryID: Int, confidence: Double, box: BoundingBox, mask: Mask) {
            self.imageID = imageID
            self.categoryID = categoryID
            self.confidence = confidence
            self.box = box
            self.mask = mask
        }
    }

    /// The shapes whose overlap is measured.
    public enum Shape: String, CaseIterable, Sendable {
        case mask = "segm"
        case box = "bbox"
    }

    /// COCO's names of the twelve numbers, in order.
    public static let names = [
        "AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl",
    ]

    /// The twelve numbers as fractions, in the order of `names`; `nil` where no ground-truth object determines the
    /// number.
    public let values: [Double?]
    /// The twelve numbers for each category that has objects, by category id.
    public let byCategory: [Int: [Double?]]
    /// Mean precision at IoU 0.5 over the categories, at recalls 0, 0.01, ... 1.
    public let precisionAtRecall: [Double]

    private static let thresholds = evenlySpaced(from: 0.5, to: 0.95, count: 10)
    private static let recalls = evenlySpaced(from: 0, to: 1, count: 101)
    /// All, small, medium and large, in square pixels.
    private static let areas = [0...1e10, 0...1024, 1024...9216, 9216...1e10]
    private static let limits = [1, 10, 100]

    public init(_ candidates: [Candidate], against annotations: COCOAnnotations, shape: Shape) {
        let objects = annotations.objects.filter { shape == .box || $0.mask != nil }
        let truth = Dictionary(grouping: objects) { Cell(category: $0.categoryID, image: $0.imageID) }
        let found = Dictionary(grouping: candidates) { Cell(category: $0.categoryID, image: $0.imageID) }
        var tables: [Int: [Curve]] = [:]  // by category: a curve for each area and limit
        let order = Dictionary(annotations.images.enumerated().map { ($1.id, $0) }) { first, _ in first }
        // Images in their order, of each category only those that have anything of it.
        let pictures = Dictionary(grouping: Set(truth.keys).union(found.keys), by: \.category)
        for category in annotations.categories.keys.sorted() {
            let cells = (pictures[category] ?? []).compactMap { cell in
                order[cell.image].map { (cell: cell, place: $0) }
            }
            .sorted { $0.place < $1.place }
            .map { Matching(found[$0.cell] ?? [], truth[$0.cell] ?? [], shape: shape) }
            tables[category] = Self.areas.flatMap { area in
                let matches = cells.map { $0.matches(area: area, thresholds: Self.thresholds) }
                return Self.limits.map {
                    Curve(matches, limit: $0, thresholds: Self.thresholds.count, recalls: Self.recalls)
                }
            }
        }
        // In a fixed order: sums of floating-point numbers depend on it.
        let ordered = tables.sorted { $0.key < $1.key }.map(\.value)
        values = Self.values(of: ordered)
        byCategory = tables.filter { $0.value[2].objects > 0 }.mapValues { Self.values(of: [$0]) }
        let all = ordered.map { $0[2] }.filter { $0.objects > 0 }
        precisionAtRecall = Self.recalls.indices.map { i in Self.mean(all.map { $0.precision[0][i] }) ?? 0 }
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The twelve numbers over categories, each of which has a curve for each area and limit.
    private static func values(of tables: [[Curve]]) -> [Double?] {
        /// Those for an area and a limit, without categories that have no objects.
        func curves(area: Int, limit: Int) -> [Curve] {
            tables.map { $0[area * limits.count + limit] }.filter { $0.objects > 0 }
        }
        func precision(area: Int = 0, thresholds: Range<Int> = 0..<10) -> Double? {
            mean(curves(area: area, limit: 2).flatMap { curve in thresholds.flatMap { curve.precision[$0] } })
        }
        func recall(area: Int = 0, limit: Int = 2) -> Double? {
            mean(curves(area: area, limit: limit).flatMap(\.recall))
        }
        return [
            precision(), precision(thresholds: 0..<1), precision(thresholds: 5..<6), precision(area: 1),
            precision(area: 2), precision(area: 3), recall(limit: 0), recall(limit: 1), recall(), recall(area: 1),
            recall(area: 2), recall(area: 3),
        ]
    }

    /// Numbers as NumPy's `linspace` makes them, to the last bit: overlaps and recalls are ratios of small whole numbers and
    /// often lie exactly on one.
    private static func evenlySpaced(from start: Double, to end: Double, count: Int) -> [Double] {
        let step = (end - start) / Double(count - 1)
        return (0..<count - 1).map { Double($0) * step + start } + [end]
    }

    private struct Cell: Hashable {
        let category: Int
        let image: Int
    }
}

/// Detections and true objects of one class in one image, with their overlaps.
private struct Matching {
    /// Most confident first, 100 at most.
    private let candidates: [AveragePrecision.Candidate]
    private let candidateAreas: [Double]
    private let objects: [COCOAnnotations.Object]
    /// By candidate and object.
    private let overlaps: [[Double]]

    init(_ candidates: [AveragePrecision.Candidate], _ objects: [COCOAnnotations.Object], shape: AveragePrecision.Shape)
    {
        let sorted = candidates.enumerated().sorted {
            $0.element.confidence != $1.element.confidence
                ? $0.element.confidence > $1.element.confidence : $0.offset < $1.offset
        }
        self.candidates = sorted.prefix(100).map(\.element)
        self.objects = objects
        // Whether a detection is small or large is told by its box, for masks too: so pycocotools takes results that have both.
        candidateAreas = self.candidates.map { $0.box.width * $0.box.height }
        let areas = shape == .mask ? self.candidates.map { Double($0.mask.area) } : candidateAreas
        let objectAreas = objects.map { shape == .mask ? Double($0.mask?.area ?? 0) : $0.boxArea }
        overlaps = self.candidates.enumerated().map { i, candidate in
            objects.enumerated().map { j, object in
                let common: Double
                switch shape {
                case .mask:
                    // Masks of images of different sizes never match.
                    guard let mask = object.mask, mask.imageSize == candidate.mask.imageSize else { return -1 }
                    common = Double(candidate.mask.intersectionArea(with: mask))
                case .box:
                    let across = min(candidate.box.x2, object.box.x2) - max(candidate.box.x1, object.box.x1)
                    let down = min(candidate.box.y2, object.box.y2) - max(candidate.box.y1, object.box.y1)
                    common = across > 0 && down > 0 ? across * down : 0
                }
                // What lies inside a crowd overlaps it wholly.
                let whole = object.isCrowd ? areas[i] : areas[i] + objectAreas[j] - common
                return whole > 0 ? common / whole : 0
            }
        }
    }

    /// What became of each detection, for objects of a range of sizes.
    func matches(area: ClosedRange<Double>, thresholds: [Double]) -> Matches {
        // An area that is not a number is in every range.
        let isIgnored = objects.map { $0.isIgnored || $0.area < area.lowerBound || $0.area > area.upperBound }
        // Objects that count come first.
        let order = objects.indices.filter { !isIgnored[$0] } + objects.indices.filter { isIgnored[$0] }
        let outcomes = thresholds.map { threshold in
            var taken = [Bool](repeating: false, count: objects.count)
            return candidates.indices.map { d -> Matches.Outcome in
                var best = min(threshold, 1 - 1e-10)
                var match: Int?
                for g in order {
                    if taken[g] && !objects[g].isCrowd { continue }
                    // Once matched with an object that counts, those that do not are not looked at.
                    if let match, !isIgnored[match], isIgnored[g] { break }
                    if overlaps[d][g] < best { continue }
                    best = overlaps[d][g]
                    match = g
                }
                let unmatched = area.contains(candidateAreas[d]) ? Matches.Outcome.wrong : .ignored
                guard let match else { return unmatched }
                taken[match] = true
                if isIgnored[match] { return .ignored }
                return objects[match].hasZeroID ? unmatched : .right
            }
        }
        return Matches(
            confidences: candidates.map(\.confidence), outcomes: outcomes, objects: isIgnored.count { !$0 })
    }
}

/// What became of the detections of one class in one image.
private struct Matches {
    enum Outcome { case right, wrong, ignored }

    let confidences: [Double]
    /// By threshold and detection.
    let outcomes: [[Outcome]]
    /// True objects that count.
    let objects: Int
}

/// Precision by recall of one class over all images.
private struct Curve {
    /// By threshold and recall.
    let precision: [[Double]]
    /// The highest recall that is reached, by threshold.
    let recall: [Double]
    /// True objects that count.
    let objects: Int

    init(_ pictures: [Matches], limit: Int, thresholds: Int, recalls: [Double]) {
        objects = pictures.reduce(0) { $0 + $1.objects }
        guard objects > 0 else {
            (precision, recall) = ([], [])
            return
        }
        let total = Double(objects)
        let entries = pictures.enumerated().flatMap { p, matches in
            matches.confidences.prefix(limit).enumerated().map {
                (image: p, index: $0.offset, confidence: $0.element)
            }
        }
        let sorted = entries.enumerated().sorted {
            $0.element.confidence != $1.element.confidence
                ? $0.element.confidence > $1.element.confidence : $0.offset < $1.offset
        }.map(\.element)
        var precisions: [[Double]] = []
        var highest: [Double] = []
        for threshold in 0..<thresholds {
            var (right, wrong) = (0.0, 0.0)
            var points: [(recall: Double, precision: Double)] = []
            for entry in sorted {
                switch pictures[entry.image].outcomes[threshold][entry.index] {
                case .right: right += 1
                case .wrong: wrong += 1
                case .ignored: break
                }
                points.append((right / total, right / (right + wrong + .ulpOfOne)))
            }
            highest.append(points.last?.recall ?? 0)
            // The best precision at this recall or any higher one.
            for i in points.indices.dropLast().reversed() {
                points[i].precision = max(points[i].precision, points[i + 1].precision)
            }
            var at = 0
            precisions.append(
                recalls.map { recall in
                    while at < points.count && points[at].recall < recall { at += 1 }
                    return at < points.count ? points[at].precision : 0
                })
        }
        precision = precisions
        recall = highest
    }
}
