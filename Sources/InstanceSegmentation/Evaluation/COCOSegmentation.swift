import Imaging

/// Decodes the `segmentation` of annotations as pycocotools' `annToRLE` does.
struct COCOSegmentation {
    /// Why an annotation cannot be used, to be read after its name.
    struct Fault: Error {
        let reason: String
    }

    /// Most runs along rows of one mask, and of all masks of a file with their parts: 128 MiB and 512 MiB. One polygon may cross the
    /// centers of columns as often as it may have runs.
    private static let maxRuns = 1 << 24
    private static let maxTotalRuns = 1 << 26
    /// Most crossings of all polygons of a file. They take no memory, and about twice as many as runs are usual; lines to and fro cost
    /// time although they undo each other.
    private static let maxCrossings = 1 << 29
    /// Accepted sides of an image.
    static let sides = 1...65_535

    private let maxTotalCrossings: Int
    private var remainingRuns = maxTotalRuns
    private var remainingCrossings: Int

    /// - Parameter maxTotalCrossings: how often the polygons of a file may cross the centers of columns.
    init(maxTotalCrossings: Int = maxCrossings) {
        self.maxTotalCrossings = maxTotalCrossings
        remainingCrossings = maxTotalCrossings
    }

    /// Returns the mask of a segmentation, or `nil` if the annotation has no segmentation.
    /// - Parameter size: of the image, where the file tells it.
    mutating func mask(_ value: JSONValue?, size: ImageSize?) throws(Fault) -> Mask? {
        let mask: Mask?
        switch value {
        case nil, .null: return nil
        case .list(let parts) where parts.isEmpty: return nil
        case .list(let parts): mask = try self.mask(ofParts: parts, size: size)
        case .object(let runs): mask = try self.mask(ofRuns: runs, imageSize: size)
        case .numbers: throw Fault(reason: "its segmentation is a list of numbers; expected a list of polygons")
        case .bool, .integer, .number, .text:
            throw Fault(reason: "its segmentation is neither a list of polygons nor run lengths")
        }
        return mask
    }

    /// Counts the runs of a mask, so that neither time nor memory is without a bound.
    private mutating func counted(_ mask: Mask) throws(Fault) -> Mask {
        remainingRuns -= mask.runs.count
        guard remainingRuns >= 0 else {
            throw Fault(reason: "its mask and those before it have more than \(Self.maxTotalRuns) runs")
        }
        return mask
    }

    /// Polygons; boxes, where the first part has four numbers; or run lengths.
    private mutating func mask(ofParts parts: [JSONValue], size: ImageSize?) throws(Fault) -> Mask {
        let count = parts[0].elementCount
        var masks: [Mask] = []
        for (index, part) in parts.enumerated() {
            if case .object(let first) = parts[0] {
                guard first.count == 2 || count == nil, case .object(let runs) = part, runs["counts"]?.elements != nil
                else {
                    throw Fault(reason: "part \(index + 1) of its segmentation is not a list of run lengths")
                }
                masks.append(try mask(ofRuns: runs, imageSize: size))
                continue
            }
            guard let count, count >= 4 else {
                throw Fault(reason: "its first polygon has \(count ?? 0) numbers; expected at least 6")
            }
            guard var ring = part.numericValues else {
                throw Fault(reason: "polygon \(index + 1) of its segmentation is not a list of numbers")
            }
            guard let size else { throw Fault(reason: "its image has no size for its polygons") }
            if count == 4 {
                guard ring.count == 4 else { throw Fault(reason: "it has boxes and polygons in one segmentation") }
                let (x1, y1, x2, y2) = (ring[0], ring[1], ring[0] + ring[2], ring[1] + ring[3])
                ring = [x1, y1, x1, y2, x2, y2, x2, y1]
            }
            if !ring.count.isMultiple(of: 2) { ring.removeLast() }
            if let wrong = ring.first(where: { !($0.magnitude <= RunLengthEncoding.maxCoordinate) }) {
                throw Fault(reason: "polygon \(index + 1) has the coordinate \(wrong); at most 4e8 is accepted")
            }
            guard let mask = try runs(ofRing: ring, size: size)?.mask(maxRuns: Self.maxRuns) else {
                throw Fault(reason: "polygon \(index + 1) is too finely divided")
            }
            masks.append(try counted(mask))
        }
        // Pairs, and pairs of pairs: each mask is copied a few times only.
        while masks.count > 1 {
            masks = stride(from: 0, to: masks.count, by: 2).map { i in
                i + 1 < masks.count ? masks[i].union(masks[i + 1]) : masks[i]
            }
            guard masks.allSatisfy({ $0.imageSize == masks[0].imageSize }) else {
                throw Fault(reason: "its run lengths are for images of several sizes")
            }
        }
        return masks[0]
    }

    /// The runs of a polygon; `nil` where it alone crosses too many columns.
    private mutating func runs(ofRing ring: [Double], size: ImageSize) throws(Fault) -> RunLengthEncoding? {
        let most = min(Self.maxRuns, remainingCrossings)
        var remaining = most
        let runs = RunLengthEncoding(size: size, cocoRing: ring, remaining: &remaining)
        remainingCrossings -= most - remaining
        guard remainingCrossings >= 0 else {
            throw Fault(
                reason:
                    "its polygons and those before them cross columns of pixels more than \(maxTotalCrossings) times")
        }
        return runs
    }

    private mutating func mask(ofRuns value: [String: JSONValue], imageSize: ImageSize?) throws(Fault) -> Mask {
        guard let sides = value["size"]?.elements?.map(\.wholeNumber), sides.count == 2, let height = sides[0],
            let width = sides[1], Self.sides.contains(height), Self.sides.contains(width)
        else {
            throw Fault(reason: "its run lengths have no size; expected [height, width], each from 1 to 65535")
        }
        let size = ImageSize(width: width, height: height)
        let runs: RunLengthEncoding
        do throws(Fault) {
            runs = try Self.runs(value["counts"], size: size)
        } catch {
            // pycocotools does not look into masks of other sizes, which never match.
            let isRead = if case .text = value["counts"] { true } else { value["counts"]?.numericValues != nil }
            guard let imageSize, imageSize != size, isRead else { throw error }
            return .empty(size)
        }
        guard let mask = runs.mask(maxRuns: Self.maxRuns) else { throw Fault(reason: "its mask is too finely divided") }
        return try counted(mask)
    }

    private static func runs(_ counts: JSONValue?, size: ImageSize) throws(Fault) -> RunLengthEncoding {
        switch counts {
        case .text(let text):
            guard let found = RunLengthEncoding(size: size, compressedCounts: text) else {
                throw Fault(reason: "its compressed run lengths do not fill an image of \(size)")
            }
            return found
        case .some(let list):
            guard let numbers = list.numericValues else {
                throw Fault(reason: "its run lengths are not numbers; expected a list of numbers or a text")
            }
            // Without any run it is an empty mask.
            if numbers.isEmpty { return RunLengthEncoding(size: size, counts: [size.area]) }
            var counts: [Int] = []
            var sum = 0
            counts.reserveCapacity(numbers.count)
            for number in numbers {
                // NumPy drops what is behind the decimal point.
                guard number > -1, number <= Double(size.area - sum) + 1,
                    let count = Int(exactly: number.rounded(.towardZero)), count <= size.area - sum
                else { throw Fault(reason: "its run lengths do not fill an image of \(size); one is \(number)") }
                counts.append(count)
                sum += count
            }
            guard sum == size.area else {
                throw Fault(reason: "its run lengths fill \(sum) of the \(size.area) pixels of an image of \(size)")
            }
            return RunLengthEncoding(size: size, counts: counts)
        case nil:
            throw Fault(reason: "its run lengths have no 'counts'; expected a list of numbers or a text")
        }
    }
}

extension JSONValue {
    /// The number of elements of a list; `nil` for anything else.
    fileprivate var elementCount: Int? {
        switch self {
        case .numbers(let numbers): numbers.count
        case .list(let list): list.count
        default: nil
        }
    }
}
