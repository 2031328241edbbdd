/// A rectangle in continuous pixel coordinates, given by its corners. A pixel is a unit square, so the area has no `+
/// 1`.
public struct BoundingBox: Hashable, Sendable {
    public var x1: Double
    public var y1: Double
    public var x2: Double
    public var y2: Double

    /// Creates a box from its top left and bottom right corners.
    public init(x1: Double, y1: Double, x2: Double, y2: Double) {
        self.x1 = x1
        self.y1 = y1
        self.x2 = x2
        self.y2 = y2
    }

    /// Creates a box from its center and size.
    public init(centerX: Double, centerY: Double, width: Double, height: Double) {
        self.init(
            x1: centerX - width / 2, y1: centerY - height / 2, x2: centerX + width / 2, y2: centerY + height / 2)
    }

    public var width: Double { x2 - x1 }
    public var height: Double { y2 - y1 }
    public var centerX: Double { (x1 + x2) / 2 }
    public var centerY: Double { (y1 + y2) / 2 }

    /// Whether all coordinates are finite.
    public var isFinite: Bool { x1.isFinite && y1.isFinite && x2.isFinite && y2.isFinite }

    /// Area in square pixels; 0 for a box whose corners are in the wrong order.
    public var area: Double { max(width, 0) * max(height, 0) }

    /// Returns the intersection over union, 0...1; 0 if the union is empty.
    public func iou(with other: BoundingBox) -> Double {
        let across = min(x2, other.x2) - max(x1, other.x1)
        let down = min(y2, other.y2) - max(y1, other.y1)
        guard across > 0, down > 0 else { return 0 }
        let intersection = across * down
        let union = area + other.area - intersection
        return union > 0 ? intersection / union : 0
    }

    /// Returns the smallest box that contains both boxes.
    public func union(_ other: BoundingBox) -> BoundingBox {
        BoundingBox(
            x1: min(x1, other.x1), y1: min(y1, other.y1), x2: max(x2, other.x2), y2: max(y2, other.y2))
    }

    /// Returns the part of the box inside `0...width` and `0...height`.
    public func clipped(width: Double, height: Double) -> BoundingBox {
        BoundingBox(
            x1: min(max(x1, 0), width), y1: min(max(y1, 0), height),
            x2: min(max(x2, 0), width), y2: min(max(y2, 0), height))
    }

    /// The box with its coordinates rounded to whole pixels, halves to even.
    public var rounded: BoundingBox {
        BoundingBox(
            x1: x1.rounded(.toNearestOrEven), y1: y1.rounded(.toNearestOrEven),
            x2: x2.rounded(.toNearestOrEven), y2: y2.rounded(.toNearestOrEven))
    }
}
