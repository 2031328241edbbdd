public import Foundation
public import Imaging

/// An image file in memory whose header has been read and is within the limits. `decode(minimumSize:)` decodes its
/// pixels.
public struct EncodedImage: DecodableImage {
    /// Size of the upright image, in pixels.
    public let size: ImageSize
    public let format: ImageFormat
    private let bytes: any ContiguousBytes & Sendable
    private let header: ImageHeader
    private let orientation: Orientation

    /// Reads the header of an image file.
    /// - Parameters:
    ///   - bytes: a file in one of the formats of `ImageFormat`.
    ///   - limits: checked against the header, before memory is allocated.
    ///   - applyOrientation: whether the EXIF orientation is applied.
    /// - Throws: `ImageCodecError`.
    public init(
        _ bytes: any ContiguousBytes & Sendable, limits: ImageLimits = ImageLimits(), applyOrientation: Bool = true
    ) throws {
        (format, header) = try bytes.withUnsafeBytes { bytes in
            let format = try ImageFormat(recognizing: bytes)
            return (format, try format.codec.header(of: bytes, limits: limits))
        }
        self.bytes = bytes
        orientation = applyOrientation ? header.orientation : .up
        size = orientation.swapsSides ? header.size.transposed : header.size
    }

    /// Maximum memory that decoding takes, in bytes. It covers the pixels, a copy of them if they are turned upright,
    /// and the codec's working memory, such as the coefficients of a progressive JPEG.
    public var decodingMemory: Int {
        let pixels = size.area.multipliedReportingOverflow(by: orientation == .up ? 3 : 6)
        let (sum, overflow) = pixels.partialValue.addingReportingOverflow(header.workingMemory)
        return pixels.overflow || overflow ? .max : sum
    }

    /// Decodes the image and turns it upright.
    /// - Parameter minimumSize: see `DecodableImage`.
    /// - Throws: `ImageCodecError`.
    public func decode(minimumSize: ((ImageSize) -> ImageSize)? = nil) throws -> RasterImage {
        try bytes.withUnsafeBytes { bytes in
            try RasterImage(
                decoding: bytes, as: format, header: header, orientation: orientation, minimumSize: minimumSize)
        }
    }
}
