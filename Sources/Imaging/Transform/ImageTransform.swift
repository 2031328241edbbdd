/// The placement of an image, or of a part of it, in a network's input, and the inverse mapping.
///
/// Coordinates are continuous: pixel (0, 0) is the unit square with its center at (0.5, 0.5). Each axis has its own
/// ratio, since both sides of a resized image are rounded.
public struct ImageTransform: Hashable, Sendable {
    /// Size of the image that results refer to, in pixels.
    public let imageSize: ImageSize
    /// The part of the image that is passed to the network; usually all of it.
    public let crop: ImageRegion
    /// Size of the network's input.
    public let networkSize: ImageSize
    /// Size of the resized part within the input.
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

    /// Creates a transform that resizes an image to `resizedSize` and centers it between equal bars. Where the padding
    /// is odd, the larger bar is on the right or at the bottom.
    public init(centering resizedSize: ImageSize, of imageSize: ImageSize, in networkSize: ImageSize) {
        func before(_ bars: Int) -> Int { Int((Double(bars) / 2 - 0.1).rounded(.toNearestOrEven)) }
        self.init(
            imageSize: imageSize, networkSize: networkSize, resizedSize: resizedSize,
            left: before(networkSize.width - resizedSize.width), top: before(networkSize.height - resizedSize.height))
    }

    /// Returns the transform for a larger image that contains this transform's image at (`x`, `y`).
    public func within(_ imageSize: ImageSize, x: Int, y: Int) -> ImageTransform {
        ImageTransform(
            imageSize: imageSize, crop: ImageRegion(x: x + crop.x, y: y + crop.y, size: crop.size),
            networkSize: networkSize,
            resizedSize: resizedSize, left: left, top: top)
    }

    /// Horizontal scale: network pixels per image pixel.
    public var scaleX: Double { Double(resizedSize.width) / Double(crop.size.width) }
    /// Vertical scale: network pixels per image pixel.
    public var scaleY: Double { Double(resizedSize.height) / Double(crop.size.height) }

    /// Maps a network x coordinate to the image, without clipping.
    public func imageX(_ x: Double) -> Double { (x - Double(left)) / scaleX + Double(crop.x) }
    /// Maps a network y coordinate to the image, without clipping.
    public func imageY(_ y: Double) -> Double { (y - Double(top)) / scaleY + Double(crop.y) }

    /// The smallest size of the whole image at which the part does not have to be enlarged.
    public var minimumSourceSize: ImageSize {
        func side(_ resized: Int, _ image: Int, _ crop: Int) -> Int { (resized * image + crop - 1) / crop }
        return ImageSize(
            width: side(resizedSize.width, imageSize.width, crop.size.width),
            height: side(resizedSize.height, imageSize.height, crop.size.height))
    }
}

/// A rectangle of whole pixels in an image.
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
