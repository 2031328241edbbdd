public import Imaging

/// Splits a large image into overlapping tiles, each close to the size of the network's input, so that small objects are
/// found.
///
/// The image as a whole is segmented too, for objects larger than a tile. ``TileMerger`` joins what the parts found.
///
/// Source of the idea: Akyon et al., *Slicing Aided Hyper Inference* (2022), which merges by the overlap of boxes.
public struct Tiling: Hashable, Sendable {
    /// Side of a tile in image pixels; values below 1 count as 1.
    public var side: Int
    /// Share of a tile that it has in common with the next one, 0...0.9; values outside are clamped, NaN counts as 0.
    public var overlap: Double

    /// Creates a tiling from the side of a tile in image pixels and the share that neighboring tiles have in common.
    public init(side: Int = 640, overlap: Double = 0.2) {
        self.side = side
        self.overlap = overlap
    }

    /// Number of tiles of an image, computed without making them; `Int.max` if it is larger than that.
    public func tileCount(of size: ImageSize) -> Int {
        let (count, isOverflow) = tileCount(along: size.width)
            .multipliedReportingOverflow(by: tileCount(along: size.height))
        return isOverflow ? .max : count
    }

    /// The tiles of an image, row by row.
    ///
    /// All have the same size. The last tile of a row or column is moved back to end at the edge of the image.
    ///
    /// - Complexity: O(`tileCount(of:)`). Check that count first where the caller of a service chooses size and overlap.
    public func tiles(of size: ImageSize) -> [ImageRegion] {
        let tile = ImageSize(width: min(tileSide, size.width), height: min(tileSide, size.height))
        let columns = starts(along: size.width)
        return starts(along: size.height).flatMap { y in columns.map { ImageRegion(x: $0, y: y, size: tile) } }
    }

    /// Distance between neighboring tiles in pixels, at least 1 and at most the side of a tile.
    var step: Int {
        // A comparison with NaN is false.
        let share = overlap > 0 ? min(overlap, 0.9) : 0
        let step = Double(tileSide) * (1 - share)
        return step < Double(tileSide) ? max(Int(step), 1) : tileSide
    }

    private var tileSide: Int { max(side, 1) }

    private func tileCount(along length: Int) -> Int {
        guard length > tileSide else { return 1 }
        return (length - tileSide - 1) / step + 2
    }

    private func starts(along length: Int) -> [Int] {
        guard length > tileSide else { return [0] }
        return Array(stride(from: 0, to: length - tileSide, by: step)) + [length - tileSide]
    }
}
