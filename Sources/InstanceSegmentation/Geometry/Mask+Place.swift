public import Imaging

extension Mask {
    /// The mask of a part of an image as a mask of the image.
    /// - Parameters:
    ///   - imageSize: of the image.
    ///   - x: where the part's left edge is in it.
    ///   - y: where its upper edge is.
    public func placed(in imageSize: ImageSize, x: Int, y: Int) -> Mask {
        Mask(
            imageSize: imageSize, top: top + y, rowStarts: rowStarts,
            runs: runs.map { Run(start: Int($0.start) + x, end: Int($0.end) + x) })
    }

    /// The pixels inside a region.
    public func clipped(to region: ImageRegion) -> Mask {
        let (left, right) = (region.x, region.x + region.size.width)
        let kept = rows.clamped(to: region.y..<region.y + region.size.height)
        var builder = MaskBuilder(imageSize: imageSize, top: kept.lowerBound, rowCapacity: kept.count)
        for row in kept {
            for run in runs(inRow: row) {
                builder.append(from: max(Int(run.start), left), to: min(Int(run.end), right))
            }
            builder.endRow()
        }
        return builder.mask
    }
}
