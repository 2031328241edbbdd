import Imaging

/// An index of regions by place and size that finds those which a given region can meet.
///
/// Each region is kept in one cell of one grid: the grid whose cells are at least as large as the region and less than twice
/// as large, and in it the cell of the region's top left corner. A query looks in each grid at the cells from which a region can
/// reach the given one; where those are more than the grid's occupied cells, it looks at these instead. Regions of
/// different groups, such as classes, never meet.
///
/// Source: hierarchical grids, Ericson, *Real-Time Collision Detection* (2005), section 7.2.
struct RegionIndex {
    private struct Grid {
        /// The side of a cell is 2 to this power.
        let level: Int
        /// The cells that have regions, and the numbers of these, both in the order of insertion.
        var cells: [(cell: SIMD2<Int>, numbers: [Int])] = []
        /// Where a cell is in `cells`.
        var places: [SIMD2<Int>: Int] = [:]

        mutating func insert(_ number: Int, in cell: SIMD2<Int>) {
            if let place = places[cell] {
                cells[place].numbers.append(number)
            } else {
                places[cell] = cells.count
                cells.append((cell, [number]))
            }
        }
    }

    /// The grids that have regions, by group, ordered from small cells to large ones.
    private var grids: [Int: [Grid]] = [:]

    /// Adds a region under a number.
    mutating func insert(_ number: Int, _ region: ImageRegion, group: Int) {
        let side = max(region.size.width, region.size.height)
        let level = Int.bitWidth - (side - 1).leadingZeroBitCount
        let cell = SIMD2(region.x >> level, region.y >> level)
        var ofGroup = grids.removeValue(forKey: group) ?? []
        let place = ofGroup.firstIndex { $0.level >= level } ?? ofGroup.count
        if place == ofGroup.count || ofGroup[place].level != level { ofGroup.insert(Grid(level: level), at: place) }
        ofGroup[place].insert(number, in: cell)
        grids[group] = ofGroup
    }

    /// Lists of the numbers of the regions that may meet a region; all that do are among them. Each list is in the order of
    /// insertion.
    func numbers(near region: ImageRegion, group: Int) -> [[Int]] {
        var found: [[Int]] = []
        for grid in grids[group] ?? [] {
            // A region's corner is less than the side of a cell away from its far edges.
            let reach = (1 << grid.level) - 1
            let columns = (region.x - reach) >> grid.level...(region.columns.upperBound - 1) >> grid.level
            let rows = (region.y - reach) >> grid.level...(region.rows.upperBound - 1) >> grid.level
            let (count, isOverflow) = columns.count.multipliedReportingOverflow(by: rows.count)
            if isOverflow || count > grid.cells.count {
                for (cell, numbers) in grid.cells where columns.contains(cell.x) && rows.contains(cell.y) {
                    found.append(numbers)
                }
            } else {
                for y in rows {
                    for x in columns {
                        if let place = grid.places[SIMD2(x, y)] { found.append(grid.cells[place].numbers) }
                    }
                }
            }
        }
        return found
    }
}
