public import Imaging

extension Mask {
    /// Returns the mask of a part of an image as a mask of the whole image.
    /// - Parameters:
    ///   - imageSize: size of the whole image.
    ///   - x: the part's left edge in the image.
    ///   - y: the part's upper edge in the image.
    public func placed(in imageSize: ImageSize, x: Int, y: Int) -> Mask {
        Mask(
            imageSize: imageSize, top: top + y, rowStarts: rowStarts,
            runs: runs.map { Run(start: Int($0.start) + x, end: Int($0.end) + x) })
    }

    /// Returns the mask with only the pixels inside a region.
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
