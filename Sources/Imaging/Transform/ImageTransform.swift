/// Where an image, or a part of it, lies in a network's input, and the way back.
///
/// Coordinates are continuous: pixel (0, 0) is the unit square with its center at (0.5, 0.5). Each axis has a ratio of
/// its own, since both sides of a resized image are rounded.
public struct ImageTransform: Hashable, Sendable {
    /// Size of the image that answers are for.
    public let imageSize: ImageSize
    /// The part of the image that goes in; usually all of it.
    public let crop: ImageRegion
    /// Size of the network's input.
    public let networkSize: ImageSize
    /// Size that the part has within the input.
    public let resizedSize: ImageSize
    /// Columns of padding left of the image.
    public let left: Int
    /// Rows of padding above the image.
    public let top: Int

    public init(
        imageSize: ImageSize, crop: ImageRegion? = nil, networkSize: ImageSize, resizedSize: ImageSize, left: Int,
        top: Int
    ) {
        self.imageSize = imageSize
        self.crop = crop ?? ImageRegion(x: 0, y: 0, size: imageSize)
        self.networkSize = networkSize
        self.resizedSize = resizedSize
        self.left = left
        self.top = top
    }

    /// An image resized to `resizedSize` with half of the bars on each side; of an odd number the larger part is right
    /// and below.
    public init(centering resizedSize: ImageSize, of imageSize: ImageSize, in networkSize: ImageSize) {
        func before(_ bars: Int) -> Int { Int((Double(bars) / 2 - 0.1).rounded(.toNearestOrEven)) }
        self.init(
            imageSize: imageSize, networkSize: networkSize, resizedSize: resizedSize,
            left: before(networkSize.width - resizedSize.width), top: before(networkSize.height - resizedSize.height))
    }

    /// The same for an image of which the transform's is a part.
    public func within(_ imageSize: ImageSize, x: Int, y: Int) -> ImageTransform {
        ImageTransform(
            imageSize: imageSize, crop: ImageRegion(x: x + crop.x, y: y + crop.y, size: crop.size),
            networkSize: networkSize,
            resizedSize: resizedSize, left: left, top: top)
    }

    /// Network pixels for each image pixel, across.
    public var scaleX: Double { Double(resizedSize.width) / Double(crop.size.width) }
    /// Network pixels for each image pixel, down.
    public var scaleY: Double { Double(resizedSize.height) / Double(crop.size.height) }

    /// The x of the image for an x of the network, not clipped.
    public func imageX(_ x: Double) -> Double { (x - Double(left)) / scaleX + Double(crop.x) }
    /// The y of the image for a y of the network, not clipped.
    public func imageY(_ y: Double) -> Double { (y - Double(top)) / scaleY + Double(crop.y) }

    /// Size of the whole image below which the part would have to be enlarged.
    public var minimumSourceSize: ImageSize {
        func side(_ resized: Int, _ image: Int, _ crop: Int) -> Int { (resized * image + crop - 1) / crop }
        return ImageSize(
            width: side(resizedSize.width, imageSize.width, crop.size.width),
            height: side(resizedSize.height, imageSize.height, crop.size.height))
    }
}

/// A rectangle of whole pixels.
public struct ImageRegion: Hashable, Sendable {
    public let x: Int
    public let y: Int
    public let size: ImageSize

    public init(x: Int, y: Int, size: ImageSize) {
        self.x = x
        self.y = y
        self.size = size
    }
}
