import Imaging

/// Merges the objects that were found in parts of an image: in its tiles and in the image as a whole.
///
/// Two detections of one class from different parts are the same object if their masks agree, with an intersection over union
/// above 0.5, in the region that both parts cover. All that are connected in this way, as an object over several tiles is,
/// become one detection with the class and confidence of the most confident and the pixels of all. Of two objects that have
/// no part in common, the less confident is dropped where their boxes overlap by more than `PredictionOptions.overlap`.
///
/// The work is bounded for every input, see ``Limits``. Within these limits the result does not depend on them.
struct TileMerger {
    /// Bounds on memory and time.
    struct Limits: Sendable {
        /// Most objects that are merged; of more the most confident are.
        var maxObjects = 10_000
        /// Most rows and runs, in sum, of the masks that are merged, about 8 bytes each; beyond them the most confident
        /// objects are.
        var maxMaskElements = 1 << 24
        /// Most steps of work, some nanoseconds each, for finding the objects that are the same. Beyond them only boxes are
        /// compared. More confident objects come first.
        var maxWork = 1 << 27
        /// Most steps of work for comparing one object with those that are more confident.
        var maxWorkPerObject = 1 << 20
        /// Steps between two checks for cancellation, at which other tasks get their turn too.
        var workBetweenChecks = 1 << 20
    }

    private let imageSize: ImageSize
    private let limits: Limits
    private var parts: [ImageRegion] = []
    private var objects: [PartialObject] = []
    private var maskElements = 0
    /// The confidence of the most confident object that was dropped by a limit; what comes later must have more.
    private var droppedConfidence = -Float.infinity

    /// Creates a merger without objects.
    init(imageSize: ImageSize, limits: Limits = Limits()) {
        self.imageSize = imageSize
        self.limits = limits
    }

    /// Adds what was found in a part of the image.
    ///
    /// - Parameters:
    ///   - detections: with boxes in pixels of the part and masks over it.
    ///   - part: must be inside the image.
    mutating func add(_ detections: [Detection], of part: ImageRegion) {
        for detection in detections where detection.confidence > droppedConfidence {
            let placed = detection.placed(in: imageSize, part)
            guard let object = PartialObject(placed, part: parts.count) else { continue }
            objects.append(object)
            maskElements += object.maskElements
            // Truncating at twice the limits leaves room for as much again, so that it happens rarely.
            if objects.count > 2 * limits.maxObjects || maskElements > 2 * limits.maxMaskElements { truncate() }
        }
        parts.append(part)
    }

    /// The merged objects, most confident first.
    ///
    /// - Throws: `CancellationError`.
    /// - Complexity: O(n log n) for n objects of which each meets a bounded number of others; see ``Limits`` for the rest.
    consuming func merged(_ options: PredictionOptions) async throws -> [Detection] {
        truncate()
        var work = Work(betweenChecks: limits.workBetweenChecks)
        let groups = try await groups(&work)
        let kept = try await suppressed(groups, options, &work)
        var detections: [Detection] = []
        for group in kept {
            var detection = objects[group.members[0]].detection
            detection.box = group.box
            detection.mask = try await union(group.members, &work)
            detections.append(detection)
        }
        return detections
    }

    /// Sorts the objects, most confident first and equals in the order they came in, and keeps those within the limits.
    private mutating func truncate() {
        let order = objects.indices.sorted {
            let (a, b) = (objects[$0].detection.confidence, objects[$1].detection.confidence)
            return a != b ? a > b : $0 < $1
        }
        var kept: [PartialObject] = []
        maskElements = 0
        for index in order {
            let elements = maskElements + objects[index].maskElements
            guard kept.count < limits.maxObjects, elements <= limits.maxMaskElements else {
                droppedConfidence = max(droppedConfidence, objects[index].detection.confidence)
                break
            }
            kept.append(objects[index])
            maskElements = elements
        }
        objects = kept
    }

    /// Objects that are the same, and together the group of all that are, most confident group first.
    private func groups(_ work: inout Work) async throws -> [ObjectGroup] {
        var sets = DisjointSets(count: objects.count)
        var index = RegionIndex()
        for (number, object) in objects.enumerated() {
            let limit = min(limits.maxWork, work.steps + limits.maxWorkPerObject)
            let near = index.numbers(near: object.region, group: object.detection.classID)
            work.steps += near.count
            for near in near {
                guard work.steps < limit else { break }
                for other in near {
                    guard work.steps < limit else { break }
                    work.steps += 1
                    guard objects[other].part != object.part, sets.root(of: other) != sets.root(of: number),
                        let shared = parts[object.part].intersection(parts[objects[other].part]),
                        object.agrees(with: objects[other], in: shared, work: &work.steps)
                    else { continue }
                    sets.unite(other, number)
                }
                if work.isCheckDue { try await work.check() }
            }
            index.insert(number, object.region, group: object.detection.classID)
        }
        var members: [Int: [Int]] = [:]
        for number in objects.indices { members[sets.root(of: number), default: []].append(number) }
        return objects.indices.compactMap { root in members[root].map { ObjectGroup($0, objects) } }
    }

    /// The groups that no more confident one of other parts suppresses by its box.
    private func suppressed(
        _ groups: [ObjectGroup], _ options: PredictionOptions, _ work: inout Work
    ) async throws -> [ObjectGroup] {
        var kept: [ObjectGroup] = []
        var index = RegionIndex()
        for group in groups {
            // What comes later has no influence on what is kept.
            guard kept.count < options.maxDetections else { break }
            let region = ImageRegion(around: group.box)
            let near = index.numbers(near: region, group: group.classID)
            let isSuppressed = near.contains { numbers in
                numbers.contains { number in
                    kept[number].box.iou(with: group.box) > options.iouThreshold
                        && kept[number].parts.isDisjoint(with: group.parts)
                }
            }
            work.steps += near.reduce(1) { $0 + $1.count }
            if work.isCheckDue { try await work.check() }
            guard !isSuppressed else { continue }
            index.insert(kept.count, region, group: group.classID)
            kept.append(group)
        }
        return kept
    }

    /// The pixels of all members of a group, united in pairs so that the cost is by their rows and runs.
    private func union(_ members: [Int], _ work: inout Work) async throws -> Mask {
        var masks = members.map { objects[$0].detection.mask }.sorted { $0.top < $1.top }
        while masks.count > 1 {
            var united: [Mask] = []
            for first in stride(from: 0, to: masks.count, by: 2) {
                let pair = masks[first..<min(first + 2, masks.count)]
                united.append(pair.count == 2 ? pair[first].union(pair[first + 1]) : pair[first])
                work.steps += 2 * (united.last?.elements ?? 0)
                if work.isCheckDue { try await work.check() }
            }
            masks = united
        }
        return masks[0]
    }
}

/// Counts steps of work and says when other tasks should have their turn.
private struct Work {
    var steps = 0
    private let betweenChecks: Int
    private var nextCheck: Int

    init(betweenChecks: Int) {
        self.betweenChecks = betweenChecks
        nextCheck = betweenChecks
    }

    var isCheckDue: Bool { steps >= nextCheck }

    mutating func check() async throws {
        nextCheck = steps + betweenChecks
        try Task.checkCancellation()
        await Task.yield()
    }
}
