public import Imaging

/// Decodes and encodes one file format.
protocol ImageCodec: Sendable {
    /// What the header says, read without decoding.
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader
    /// Decodes the pixels as they are stored, before orientation. A codec that can shrink while decoding may return a
    /// smaller image, but none smaller than `minimumSize` on either side.
    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, minimumSize: ImageSize
    ) throws(ImageCodecError) -> RasterImage
    /// The image as a file. `quality` is 1...100 where the format loses anything.
    func encode(_ image: RasterImage, quality: Int) throws(ImageCodecError) -> [UInt8]
}

/// Size and orientation as a file's header gives them.
struct ImageHeader: Sendable {
    /// Size of the stored pixels, before orientation.
    let size: ImageSize
    let orientation: Orientation
    /// Memory in bytes that decoding takes at most, in addition to three bytes a pixel for the result and to small buffers.
    var workingMemory = 0
}

extension RasterImage {
    /// Decodes an image file and turns the image upright.
    ///
    /// - Parameters:
    ///   - bytes: a file in one of the formats of `ImageFormat`.
    ///   - limits: checked against the header, before memory is allocated.
    ///   - applyOrientation: whether the EXIF orientation is applied.
    ///   - minimumSize: given the upright full size, returns the smallest size that serves the caller. With it, a JPEG
    ///     is reduced by 1/2, 1/4 or 1/8 while decoding if the result is at least that large on both sides.
    ///     `originalSize` still is the image's own size. Without it, every pixel is decoded.
    /// - Throws: `ImageCodecError`.
    public init(
        decoding bytes: UnsafeRawBufferPointer,
        limits: ImageLimits = ImageLimits(),
        applyOrientation: Bool = true,
        minimumSize: ((ImageSize) -> ImageSize)? = nil
    ) throws(ImageCodecError) {
        let format = try ImageFormat(recognizing: bytes)
        let header = try format.codec.header(of: bytes, limits: limits)
        try self.init(
            decoding: bytes, as: format, header: header, orientation: applyOrientation ? header.orientation : .up,
            minimumSize: minimumSize)
    }

    /// Decodes an image whose header is known.
    init(
        decoding bytes: UnsafeRawBufferPointer, as format: ImageFormat, header: ImageHeader, orientation: Orientation,
        minimumSize: ((ImageSize) -> ImageSize)?
    ) throws(ImageCodecError) {
        let originalSize = orientation.swapsSides ? header.size.transposed : header.size
        var least = minimumSize?(originalSize) ?? originalSize
        if orientation.swapsSides { least = least.transposed }
        let stored = try format.codec.decode(bytes, header: header, minimumSize: least)
        self = stored.applying(orientation, originalSize: originalSize)
    }

    /// Decodes an image file held in an array.
    public init(
        decoding bytes: [UInt8],
        limits: ImageLimits = ImageLimits(),
        applyOrientation: Bool = true,
        enough: ((ImageSize) -> ImageSize)? = nil
    ) throws(ImageCodecError) {
        let result = bytes.withUnsafeBytes { buffer -> Result<RasterImage, ImageCodecError> in
            do throws(ImageCodecError) {
                return .success(
                    try RasterImage(
                        decoding: buffer, limits: limits, applyOrientation: applyOrientation, minimumSize: enough))
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }

    /// Encodes the image as a file.
    ///
    /// - Parameter quality: 1...100 for JPEG and WebP; PNG is lossless. The other formats cannot be written.
    public func encoded(as format: ImageFormat, quality: Int = 90) throws(ImageCodecError) -> [UInt8] {
        try format.codec.encode(self, quality: quality)
    }
}
