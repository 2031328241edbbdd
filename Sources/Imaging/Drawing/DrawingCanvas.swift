/// An image to draw on. Drawing outside its bounds has no effect.
public struct DrawingCanvas: Sendable {
    /// The image as drawn so far.
    public private(set) var image: RasterImage

    public init(_ image: RasterImage) {
        self.image = image
    }

    /// Blends a color into one pixel.
    public mutating func blend(_ color: RGBColor, x: Int, y: Int, opacity: Double = 1) {
        guard x >= 0, y >= 0, x < image.size.width, y < image.size.height else { return }
        let at = 3 * (y * image.size.width + x)
        let share = Int((min(max(opacity, 0), 1) * 256).rounded())
        func mix(_ old: UInt8, _ new: UInt8) -> UInt8 { UInt8((Int(old) * (256 - share) + Int(new) * share) >> 8) }
        image.pixels[at] = mix(image.pixels[at], color.red)
        image.pixels[at + 1] = mix(image.pixels[at + 1], color.green)
        image.pixels[at + 2] = mix(image.pixels[at + 2], color.blue)
    }

    /// Fills pixels `x` of row `y`.
    public mutating func fill(_ color: RGBColor, x: Range<Int>, y: Int, opacity: Double = 1) {
        for column in x.clamped(to: 0..<image.size.width) { blend(color, x: column, y: y, opacity: opacity) }
    }

    /// Fills a rectangle.
    public mutating func fill(_ color: RGBColor, x: Range<Int>, y: Range<Int>) {
        for row in y.clamped(to: 0..<image.size.height) { fill(color, x: x, y: row) }
    }

    /// Outlines a rectangle with lines centered on its edge; both corners are part of the rectangle.
    public mutating func stroke(_ color: RGBColor, left: Int, top: Int, right: Int, bottom: Int, width: Int = 1) {
        line(color, from: (left, top), to: (right, top), width: width)
        line(color, from: (right, top), to: (right, bottom), width: width)
        line(color, from: (right, bottom), to: (left, bottom), width: width)
        line(color, from: (left, bottom), to: (left, top), width: width)
    }

    /// Draws a line between two pixels with a square pen (Bresenham's algorithm).
    public mutating func line(_ color: RGBColor, from start: (x: Int, y: Int), to end: (x: Int, y: Int), width: Int = 1)
    {
        let (dx, dy) = (abs(end.x - start.x), -abs(end.y - start.y))
        let (sx, sy) = (start.x < end.x ? 1 : -1, start.y < end.y ? 1 : -1)
        var (x, y, error) = (start.x, start.y, dx + dy)
        while true {
            dot(color, x: x, y: y, width: width)
            if x == end.x && y == end.y { return }
            let twice = 2 * error
            if twice >= dy {
                error += dy
                x += sx
            }
            if twice <= dx {
                error += dx
                y += sy
            }
        }
    }

    /// Draws a closed line through points.
    public mutating func polygon(_ color: RGBColor, through points: [(x: Int, y: Int)], width: Int = 1) {
        guard var last = points.last else { return }
        for point in points {
            line(color, from: last, to: point, width: width)
            last = point
        }
    }

    /// Draws text on a filled rectangle whose top left corner is (`x`, `y`), clipped at the image's edge.
    public mutating func label(_ text: String, x: Int, y: Int, height: Int, margin: Int, color: RGBColor) {
        let font = BitmapFont(height: height)
        fill(color, x: x..<x + font.width(of: text) + 2 * margin, y: y..<y + height + 2 * margin)
        font.draw(text, x: x + margin, y: y + margin, color: .white, on: &self)
    }

    /// Draws text whose top left corner is (`x`, `y`), clipped at the image's edge.
    public mutating func text(_ text: String, x: Int, y: Int, height: Int, color: RGBColor) {
        BitmapFont(height: height).draw(text, x: x, y: y, color: color, on: &self)
    }

    private mutating func dot(_ color: RGBColor, x: Int, y: Int, width: Int) {
        if width <= 1 { return blend(color, x: x, y: y) }
        let first = (width - 1) / 2
        fill(color, x: x - first..<x - first + width, y: y - first..<y - first + width)
    }
}
