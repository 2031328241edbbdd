/// Where a picture lies in a network's input, and the way back.
///
/// Coordinates are continuous: pixel (0, 0) is the unit square with its centre at (0.5, 0.5). Each axis has a ratio of
/// its own, since both sides of a resized picture are rounded.
public struct ImageTransform: Hashable, Sendable {
    /// Size of the picture that answers are for.
    public let imageSize: ImageSize
    /// Size of the network's input.
    public let networkSize: ImageSize
    /// Size that the picture has within the input.
    public let resizedSize: ImageSize
    /// Columns of padding left of the picture.
    public let left: Int
    /// Rows of padding above the picture.
    public let top: Int

    public init(imageSize: ImageSize, networkSize: ImageSize, resizedSize: ImageSize, left: Int, top: Int) {
        self.imageSize = imageSize
        self.networkSize = networkSize
        self.resizedSize = resizedSize
        self.left = left
        self.top = top
    }

    /// A picture resized to `resizedSize` with half of the bars on each side; of an odd number the larger part is right
    /// and below.
    public init(centering resizedSize: ImageSize, of imageSize: ImageSize, in networkSize: ImageSize) {
        func before(_ bars: Int) -> Int { Int((Double(bars) / 2 - 0.1).rounded(.toNearestOrEven)) }
        self.init(
            imageSize: imageSize, networkSize: networkSize, resizedSize: resizedSize,
            left: before(networkSize.width - resizedSize.width), top: before(networkSize.height - resizedSize.height))
    }

    /// Network pixels for each image pixel, across.
    public var scaleX: Double { Double(resizedSize.width) / Double(imageSize.width) }
    /// Network pixels for each image pixel, down.
    public var scaleY: Double { Double(resizedSize.height) / Double(imageSize.height) }

    /// The x of the image for an x of the network, not clipped.
    public func imageX(_ x: Double) -> Double { (x - Double(left)) / scaleX }
    /// The y of the image for a y of the network, not clipped.
    public func imageY(_ y: Double) -> Double { (y - Double(top)) / scaleY }
}
