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
        /// Numbers by cell, in the order of insertion.
        var cells: [SIMD2<Int>: [Int]] = [:]
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
        ofGroup[place].cells[cell, default: []].append(number)
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
                let near = grid.cells.filter { columns.contains($0.key.x) && rows.contains($0.key.y) }
                // The order of a dictionary differs from run to run.
                found += near.values.sorted { $0[0] < $1[0] }
            } else {
                for y in rows {
                    for x in columns {
                        if let numbers = grid.cells[SIMD2(x, y)] { found.append(numbers) }
                    }
                }
            }
        }
        return found
    }
}
