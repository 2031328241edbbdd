public import Imaging

/// The pixels of one object, stored as runs in each row.
///
/// A row of an object is nearly always a single run. The mask of a 12-megapixel image therefore takes a few kilobytes,
/// and the cost of every operation depends on the length of the outline rather than on the area.
public struct Mask: Hashable, Sendable {
    /// Pixels `start..<end` of one row.
    public struct Run: Hashable, Sendable {
        public let start: Int32
        public let end: Int32

        public init(start: Int, end: Int) {
            precondition(start < end, "a run has at least one pixel")
            self.start = Int32(start)
            self.end = Int32(end)
        }
    }

    /// Size of the image that the mask refers to.
    public let imageSize: ImageSize
    /// The first row that may contain pixels.
    public let top: Int
    /// Where each row's runs begin in `runs`; one entry more than there are rows.
    let rowStarts: [Int32]
    /// The runs of all rows, each row's from left to right and apart from one another.
    let runs: [Run]

    /// Creates a mask from the runs of consecutive rows, the first of which is row `top`.
    public init(imageSize: ImageSize, top: Int, rows: [[Run]]) {
        var starts: [Int32] = [0]
        for row in rows { starts.append(starts[starts.count - 1] + Int32(row.count)) }
        self.init(imageSize: imageSize, top: top, rowStarts: starts, runs: rows.flatMap(\.self))
    }

    init(imageSize: ImageSize, top: Int, rowStarts: [Int32], runs: [Run]) {
        self.imageSize = imageSize
        self.top = top
        self.rowStarts = rowStarts
        self.runs = runs
    }

    /// A mask without pixels.
    package static func empty(_ imageSize: ImageSize) -> Mask {
        Mask(imageSize: imageSize, top: 0, rowStarts: [0], runs: [])
    }

    /// Creates a mask from one value per pixel, in rows from the top; any value but 0 is set.
    public init(imageSize: ImageSize, pixels: [UInt8]) {
        precondition(pixels.count == imageSize.area, "one value a pixel")
        var builder = MaskBuilder(imageSize: imageSize, top: 0)
        for y in 0..<imageSize.height {
            let row = y * imageSize.width
            var x = 0
            while x < imageSize.width {
                let start = x
                while x < imageSize.width && pixels[row + x] != 0 { x += 1 }
                builder.append(from: start, to: x)
                x += 1
            }
            builder.endRow()
        }
        self = builder.mask
    }

    /// The rows that may contain pixels.
    public var rows: Range<Int> { top..<top + rowStarts.count - 1 }

    /// The runs of a row; empty outside `rows`.
    public func runs(inRow y: Int) -> ArraySlice<Run> {
        runs[runIndices(inRow: y)]
    }

    /// Where a row's runs are in `runs`; empty outside `rows`.
    func runIndices(inRow y: Int) -> Range<Int> {
        guard rows.contains(y) else { return 0..<0 }
        return Int(rowStarts[y - top])..<Int(rowStarts[y - top + 1])
    }

    public var isEmpty: Bool { runs.isEmpty }

    /// Number of pixels that are set.
    public var area: Int { runs.reduce(0) { $0 + Int($1.end - $1.start) } }

    /// Returns whether a pixel is set.
    public func contains(x: Int, y: Int) -> Bool {
        guard rows.contains(y) else { return false }
        // Most rows have one run; the search is for those that have many.
        var (low, high) = (Int(rowStarts[y - top]), Int(rowStarts[y - top + 1]))
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].end <= x { low = middle + 1 } else { high = middle }
        }
        return low < Int(rowStarts[y - top + 1]) && runs[low].start <= x
    }

    /// The smallest box around the pixels; `nil` for an empty mask.
    public var bounds: BoundingBox? {
        region.map { region in
            BoundingBox(
                x1: Double(region.columns.lowerBound), y1: Double(region.rows.lowerBound),
                x2: Double(region.columns.upperBound), y2: Double(region.rows.upperBound))
        }
    }

    /// One byte per pixel, 1 where the mask is set.
    public var pixels: [UInt8] {
        var result = [UInt8](repeating: 0, count: imageSize.area)
        for y in rows {
            for run in runs(inRow: y) {
                for x in Int(run.start)..<Int(run.end) { result[y * imageSize.width + x] = 1 }
            }
        }
        return result
    }

    /// Returns the intersection over union with another mask of the same image, 0...1; 0 if both are empty.
    public func iou(with other: Mask) -> Double {
        let intersection = intersectionArea(with: other)
        let union = area + other.area - intersection
        return union > 0 ? Double(intersection) / Double(union) : 0
    }
}

/// Collects a mask row by row.
struct MaskBuilder {
    private let imageSize: ImageSize
    private let top: Int
    private var rowStarts: [Int32] = [0]
    private var runs: [Mask.Run] = []

    init(imageSize: ImageSize, top: Int, rowCapacity: Int = 0) {
        self.imageSize = imageSize
        self.top = top
        rowStarts.reserveCapacity(rowCapacity + 1)
        runs.reserveCapacity(rowCapacity)
    }

    /// Adds pixels `start..<end` to the current row. Runs come from left to right; one that touches the last is joined
    /// to it, an empty one is ignored.
    mutating func append(from start: Int, to end: Int) {
        guard start < end else { return }
        if runs.count > Int(rowStarts[rowStarts.count - 1]), let last = runs.last, Int(last.end) == start {
            runs[runs.count - 1] = Mask.Run(start: Int(last.start), end: end)
        } else {
            runs.append(Mask.Run(start: start, end: end))
        }
    }

    mutating func endRow() {
        rowStarts.append(Int32(runs.count))
    }

    var mask: Mask { Mask(imageSize: imageSize, top: top, rowStarts: rowStarts, runs: runs) }
}
