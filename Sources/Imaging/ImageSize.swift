/// Width and height of an image in pixels, both at least 1.
public struct ImageSize: Hashable, Sendable, CustomStringConvertible {
    public let width: Int
    public let height: Int

    /// Creates a size. Both sides must be positive and their product must fit an `Int`.
    public init(width: Int, height: Int) {
        precondition(width > 0 && height > 0, "an image has at least one pixel")
        self.width = width
        self.height = height
    }

    /// Number of pixels.
    public var area: Int { width * height }

    /// The size with width and height exchanged, as after a quarter turn.
    public var transposed: ImageSize { ImageSize(width: height, height: width) }

    public var description: String { "\(width)x\(height)" }
}
