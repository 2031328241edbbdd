/// A decoded image: 8-bit RGB pixels in row-major order from the top, without padding.
///
/// ```swift
/// let photo = try RasterImage(decoding: bytes)
/// photo.size          // 1280x720
/// photo.pixels.count  // 2764800
/// ```
public struct RasterImage: Sendable {
    /// Size of the stored pixels.
    public let size: ImageSize
    /// Size of the image that the pixels represent. It is larger than `size` if the decoder was allowed to shrink the
    /// image while decoding. Results are in pixels of this size.
    public let originalSize: ImageSize
    /// `3 * width * height` bytes in the order R, G, B.
    public package(set) var pixels: [UInt8]

    /// Creates an image from RGB bytes; `pixels.count` must be `3 * size.area`.
    public init(size: ImageSize, pixels: [UInt8], originalSize: ImageSize? = nil) {
        precondition(pixels.count == 3 * size.area, "RGB bytes do not match the size")
        self.size = size
        self.pixels = pixels
        self.originalSize = originalSize ?? size
    }

    /// Creates an image filled with one color.
    public init(size: ImageSize, color: RGBColor) {
        var pixels = [UInt8](repeating: 0, count: 3 * size.area)
        for i in 0..<size.area {
            pixels[3 * i] = color.red
            pixels[3 * i + 1] = color.green
            pixels[3 * i + 2] = color.blue
        }
        self.init(size: size, pixels: pixels)
    }
}
