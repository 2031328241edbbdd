public import Imaging

/// A division of a large image into overlapping tiles, so that small objects are found. Each tile is close to the size
/// of the network's input.
///
/// The image is also segmented as a whole, for objects larger than a tile. ``TileMerger`` merges the objects of all
/// parts.
///
/// Source of the idea: Akyon et al., *Slicing Aided Hyper Inference* (2022), which merges by the overlap of boxes.
public struct Tiling: Hashable, Sendable {
    /// Side length of a tile in image pixels; values below 1 count as 1.
    public var side: Int
    /// Fraction of a tile that overlaps the next one, 0...0.9; values outside are clamped, NaN counts as 0.
    public var overlap: Double

    /// Creates a tiling from a tile's side length in image pixels and the fraction that adjacent tiles share.
    public init(side: Int = 640, overlap: Double = 0.2) {
        self.side = side
        self.overlap = overlap
    }

    /// Returns the number of tiles of an image, without creating them; `Int.max` if the number is too large for an
    /// `Int`.
    public func tileCount(of size: ImageSize) -> Int {
        let (count, isOverflow) = tileCount(along: size.width)
            .multipliedReportingOverflow(by: tileCount(along: size.height))
        return isOverflow ? .max : count
    }

    /// Returns the tiles of an image, row by row.
    ///
    /// All tiles have the same size. The last tile of a row or column is shifted to end at the edge of the image.
    ///
    /// - Complexity: O(`tileCount(of:)`). Check that count first if the client of a service chooses size and overlap.
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
