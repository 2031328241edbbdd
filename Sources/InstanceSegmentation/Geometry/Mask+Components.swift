extension Mask {
    /// The 8-connected component with the most pixels; among equals, the first in raster order. A mask with a single
    /// component is returned unchanged.
    ///
    /// Runs that touch in adjacent rows are united, so the cost depends on the number of runs. A component is
    /// identified by its first run in raster order.
    public var largestComponent: Mask {
        var sets = DisjointSets(count: runs.count)
        for row in 1..<max(rowStarts.count - 1, 1) {
            var above = Int(rowStarts[row - 1])
            let aboveEnd = Int(rowStarts[row])
            for here in aboveEnd..<Int(rowStarts[row + 1]) {
                while above < aboveEnd && runs[above].end < runs[here].start { above += 1 }
                var touching = above
                while touching < aboveEnd && runs[touching].start <= runs[here].end {
                    sets.unite(touching, here)
                    touching += 1
                }
            }
        }
        var areas = [Int](repeating: 0, count: runs.count)
        for i in runs.indices { areas[sets.root(of: i)] += Int(runs[i].end - runs[i].start) }
        guard let most = areas.max(), let best = areas.firstIndex(of: most), most < area else { return self }
        var builder = MaskBuilder(imageSize: imageSize, top: top, rowCapacity: rowStarts.count)
        for row in 0..<rowStarts.count - 1 {
            for i in Int(rowStarts[row])..<Int(rowStarts[row + 1]) where sets.root(of: i) == best {
                builder.append(from: Int(runs[i].start), to: Int(runs[i].end))
            }
            builder.endRow()
        }
        return builder.mask
    }
}
