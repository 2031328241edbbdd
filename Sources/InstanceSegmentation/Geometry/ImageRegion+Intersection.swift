import Imaging

extension ImageRegion {
    /// The columns inside the region.
    var columns: Range<Int> { x..<x + size.width }

    /// The rows inside the region.
    var rows: Range<Int> { y..<y + size.height }

    /// The region that two regions have in common; `nil` if they are apart.
    func intersection(_ other: ImageRegion) -> ImageRegion? {
        let (left, top) = (max(x, other.x), max(y, other.y))
        let right = min(x + size.width, other.x + other.size.width)
        let bottom = min(y + size.height, other.y + other.size.height)
        guard left < right, top < bottom else { return nil }
        return ImageRegion(x: left, y: top, size: ImageSize(width: right - left, height: bottom - top))
    }

    /// The smallest region of whole pixels around a box, at least one pixel. Corners far outside every image are
    /// clamped, NaN counts as the smallest of them.
    init(around box: BoundingBox) {
        let farthest = Double(1 << 40)
        func whole(_ corner: Double, _ rule: FloatingPointRoundingRule) -> Int {
            corner > -farthest ? Int(min(corner, farthest).rounded(rule)) : -(1 << 40)
        }
        let (left, top) = (whole(box.x1, .down), whole(box.y1, .down))
        self.init(
            x: left, y: top,
            size: ImageSize(
                width: max(whole(box.x2, .up) - left, 1), height: max(whole(box.y2, .up) - top, 1)))
    }
}
