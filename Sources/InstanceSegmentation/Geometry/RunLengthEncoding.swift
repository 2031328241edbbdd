public import Imaging

/// A mask in COCO's encoding: runs in column-major order, alternately unset and set, starting with unset.
///
/// ```swift
/// RunLengthEncoding(mask).counts            // [5, 2, 2, 2, 2, 2, 5]
/// RunLengthEncoding(mask).compressedCounts  // "5220003"
/// ```
public struct RunLengthEncoding: Hashable, Sendable {
    /// Size of the whole image.
    public let size: ImageSize
    /// Lengths of the runs; their sum is the number of pixels in the image.
    public let counts: [Int]

    public init(size: ImageSize, counts: [Int]) {
        self.size = size
        self.counts = counts
    }

    /// Encodes a mask. The cost depends on the length of its outline, not on its area.
    public init(_ mask: Mask) {
        // Going down a column, the mask changes exactly where a row's runs differ from those of the row above. Each such
        // change is one boundary in column-major order; sorted, their distances are the counts.
        let (width, height) = (mask.imageSize.width, mask.imageSize.height)
        var boundaries: [Int] = []
        func addDifference(_ upper: ArraySlice<Mask.Run>, _ lower: ArraySlice<Mask.Run>, row y: Int) {
            // Columns in exactly one of the two rows: the stretches between consecutive run ends of both, every second.
            let edges = (upper.flatMap { [$0.start, $0.end] } + lower.flatMap { [$0.start, $0.end] }).sorted()
            for pair in stride(from: 0, to: edges.count - 1, by: 2) {
                for x in Int(edges[pair])..<Int(edges[pair + 1]) { boundaries.append(x * height + y) }
            }
        }
        for y in mask.rows.lowerBound...mask.rows.upperBound {
            addDifference(mask.runs(inRow: y - 1), mask.runs(inRow: y), row: y)
        }
        boundaries.sort()
        // A run that ends at the bottom and one that begins at the top of the next column meet at one boundary.
        var kept: [Int] = []
        for boundary in boundaries {
            if kept.last == boundary { kept.removeLast() } else { kept.append(boundary) }
        }
        if kept.last == width * height { kept.removeLast() }
        var counts: [Int] = []
        var last = 0
        for boundary in kept {
            counts.append(boundary - last)
            last = boundary
        }
        counts.append(width * height - last)
        self.init(size: mask.imageSize, counts: counts)
    }

    /// Parses COCO's compressed string; `nil` if it is malformed or does not cover the image.
    public init?(size: ImageSize, compressedCounts text: String) {
        var counts: [Int] = []
        var (value, shift) = (0, 0)
        for byte in text.utf8 {
            guard byte >= 48, byte < 112, shift < 50 else { return nil }
            let digit = Int(byte) - 48
            value |= (digit & 0x1F) << shift
            shift += 5
            if digit & 0x20 == 0 {
                if digit & 0x10 != 0 { value |= -1 << shift }
                if counts.count > 2 { value += counts[counts.count - 2] }
                guard value >= 0, value <= size.area else { return nil }
                counts.append(value)
                (value, shift) = (0, 0)
            }
        }
        guard shift == 0, counts.reduce(0, +) == size.area else { return nil }
        self.init(size: size, counts: counts)
    }

    /// COCO's compressed string. From the fourth count on it stores the difference to the count two positions earlier,
    /// with five bits per character.
    public var compressedCounts: String {
        var bytes: [UInt8] = []
        for (i, count) in counts.enumerated() {
            var value = i > 2 ? count - counts[i - 2] : count
            while true {
                let digit = value & 0x1F
                value >>= 5
                let more = digit & 0x10 != 0 ? value != -1 : value != 0
                bytes.append(UInt8(digit | (more ? 0x20 : 0)) + 48)
                if !more { break }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The mask that the runs describe. Runs beyond the image are ignored.
    public var mask: Mask { mask(maxRuns: .max) ?? .empty(size) }

    /// The mask that the runs describe; `nil` if it has more than a number of runs along its rows.
    ///
    /// Each row changes in the columns in which the runs of two neighboring columns differ. The cost is by the length of the outline and
    /// not by the size of the image, which files may claim to be enormous.
    func mask(maxRuns: Int) -> Mask? {
        let (width, height) = (size.width, size.height)
        var rows: [Int32] = [], columns: [Int32] = []
        /// Adds the rows in which two columns differ.
        func addDifference(_ left: [Range<Int>], _ right: [Range<Int>], column: Int) -> Bool {
            let edges =
                (left.flatMap { [$0.lowerBound, $0.upperBound] } + right.flatMap { [$0.lowerBound, $0.upperBound] })
                .sorted()
            for pair in stride(from: 0, to: edges.count - 1, by: 2) where edges[pair] < edges[pair + 1] {
                guard rows.count / 2 + edges[pair + 1] - edges[pair] <= maxRuns else { return false }
                for row in edges[pair]..<edges[pair + 1] {
                    rows.append(Int32(row))
                    columns.append(Int32(column))
                }
            }
            return true
        }
        var last: [Range<Int>] = [], current: [Range<Int>] = []
        var column = 0, at = 0
        for (i, count) in counts.enumerated() {
            guard count >= 0, count <= size.area - at else { break }
            let end = at + count
            while i % 2 == 1, at < end {
                if at / height > column {
                    guard addDifference(last, current, column: column) else { return nil }
                    // A column in between is empty.
                    if at / height > column + 1 {
                        guard addDifference(current, [], column: column + 1) else { return nil }
                        current = []
                    }
                    (last, current, column) = (current, [], at / height)
                }
                let stop = min(end, (column + 1) * height)
                let run = at - column * height..<stop - column * height
                if let previous = current.last, previous.upperBound == run.lowerBound {
                    current[current.count - 1] = previous.lowerBound..<run.upperBound
                } else {
                    current.append(run)
                }
                at = stop
            }
            at = end
        }
        guard addDifference(last, current, column: column), addDifference(current, [], column: column + 1) else {
            return nil
        }
        guard let top = rows.min(), let bottom = rows.max() else { return .empty(size) }
        // Sorted by row; the columns of a row are in their order.
        var starts = [Int](repeating: 0, count: Int(bottom - top) + 2)
        for row in rows { starts[Int(row - top) + 1] += 1 }
        for i in 1..<starts.count { starts[i] += starts[i - 1] }
        var sorted = [Int32](repeating: 0, count: rows.count)
        var next = starts
        for (row, column) in zip(rows, columns) {
            sorted[next[Int(row - top)]] = column
            next[Int(row - top)] += 1
        }
        var builder = MaskBuilder(imageSize: size, top: Int(top), rowCapacity: starts.count)
        for row in 0..<starts.count - 1 {
            for i in stride(from: starts[row], to: starts[row + 1] - 1, by: 2) {
                builder.append(from: Int(sorted[i]), to: min(Int(sorted[i + 1]), width))
            }
            builder.endRow()
        }
        return builder.mask
    }
}
