extension Mask {
    /// The 8-connected component with the most pixels; of equals the first in raster order. The mask itself where it is
    /// in one piece.
    ///
    /// Runs that touch in neighbouring rows are united (disjoint sets with path halving), so that the cost is by runs.
    public var largestComponent: Mask {
        var parent = Array(0..<runs.count)
        func root(_ i: Int, _ parent: inout [Int]) -> Int {
            var i = i
            while parent[i] != i {
                parent[i] = parent[parent[i]]
                i = parent[i]
            }
            return i
        }
        for row in 1..<max(rowStarts.count - 1, 1) {
            var above = Int(rowStarts[row - 1])
            let aboveEnd = Int(rowStarts[row])
            for here in aboveEnd..<Int(rowStarts[row + 1]) {
                while above < aboveEnd && runs[above].end < runs[here].start { above += 1 }
                var touching = above
                while touching < aboveEnd && runs[touching].start <= runs[here].end {
                    let (a, b) = (root(touching, &parent), root(here, &parent))
                    // The earlier run is the root, so that a component is named by its first run in raster order.
                    if a != b { parent[max(a, b)] = min(a, b) }
                    touching += 1
                }
            }
        }
        var areas = [Int](repeating: 0, count: runs.count)
        for i in runs.indices { areas[root(i, &parent)] += Int(runs[i].end - runs[i].start) }
        guard let most = areas.max(), let best = areas.firstIndex(of: most), most < area else { return self }
        var builder = MaskBuilder(imageSize: imageSize, top: top, rowCapacity: rowStarts.count)
        for row in 0..<rowStarts.count - 1 {
            for i in Int(rowStarts[row])..<Int(rowStarts[row + 1]) where root(i, &parent) == best {
                builder.append(from: Int(runs[i].start), to: Int(runs[i].end))
            }
            builder.endRow()
        }
        return builder.mask
    }
}
