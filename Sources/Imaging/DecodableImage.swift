/// An image file whose header has been read. It can be decoded at the resolution that its user needs.
public protocol DecodableImage: Sendable {
    /// Size of the upright image in pixels, according to the header.
    var size: ImageSize { get }
    /// Decodes the image and turns it upright.
    /// - Parameter minimumSize: given the upright size, returns the smallest size that serves the caller. A decoder
    ///   that can reduce images while decoding returns one of at least that size, whose `originalSize` is still `size`.
    ///   `nil` decodes every pixel.
    func decode(minimumSize: ((ImageSize) -> ImageSize)?) throws -> RasterImage
}
