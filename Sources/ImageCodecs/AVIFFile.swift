import CImageCodecs
import Imaging

/// An AVIF file that libavif can read. The bytes must outlive it.
///
/// libheif 1.15, which Debian 12 has, turns AVIF into RGB without filtering the chroma, and takes gray of limited range for full range.
/// Pillow and OpenCV read AVIF by libavif.
final class AVIFFile {
    private let decoder: UnsafeMutablePointer<avifDecoder>

    /// Reads the header. Returns `nil` where libavif refuses the file.
    ///
    /// The limit is always the same, so that a file whose header was read by libavif is not decoded by another library. Tiles and other
    /// images of a file may be larger than its primary image; `HEIFBudget` limits their pixels.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let decoder = avifDecoderCreate() else { return nil }
        self.decoder = decoder
        decoder.pointee.maxThreads = 1
        decoder.pointee.imageSizeLimit = 1 << 28
        decoder.pointee.imageCountLimit = 100_000
        decoder.pointee.strictFlags = 0
        guard avifDecoderSetIOMemory(decoder, bytes.bytePointer, bytes.count) == AVIF_RESULT_OK,
            avifDecoderParse(decoder) == AVIF_RESULT_OK, decoder.pointee.image != nil
        else { return nil }
    }

    deinit { avifDecoderDestroy(decoder) }

    /// Size and orientation; like Pillow this applies no `clap` property.
    /// - Parameter pixels: those of all images that are decoded, tiles and opacity included.
    func header(limits: ImageLimits, pixels: Int) throws(ImageCodecError) -> ImageHeader? {
        guard let image = decoder.pointee.image?.pointee else { return nil }
        let size = try limits.check(width: Int(image.width), height: Int(image.height))
        // The planes, of two bytes a sample above 8 bits, and opacity. libavif does not convert all matrices, libheif most.
        let isLeftToLibheif = matrix(of: image) == nil && ![0, 4, 7, 8, 12].contains(image.matrixCoefficients)
        let each =
            isLeftToLibheif
            ? HEIFCodec.workingMemoryOfPixel(isDeep: image.depth > 8) : image.depth > 8 ? 9 : 5
        return ImageHeader(
            size: size, orientation: orientation(of: image), workingMemory: each * max(pixels, size.area))
    }

    private func matrix(of image: avifImage) -> YCbCrMatrix? {
        YCbCrMatrix(
            coefficients: UInt32(image.matrixCoefficients), isFullRange: image.yuvRange == AVIF_RANGE_FULL)
    }

    /// The turns that the file asks for; XMP counts where neither those nor EXIF say anything, as with Pillow.
    private func orientation(of image: avifImage) -> Orientation {
        var image = image
        let turned = Orientation(rawValue: Int(avif_image_orientation(&image))) ?? .up
        guard turned == .up else { return turned }
        let exif = UnsafeRawBufferPointer(start: image.exif.data, count: image.exif.size)
        let xmp = UnsafeRawBufferPointer(start: image.xmp.data, count: image.xmp.size)
        return Orientation(exif: exif) == nil ? Orientation(xmp: xmp) ?? .up : .up
    }

    /// The first image of the file. Returns `nil` where libavif cannot decode it.
    /// - Throws: `ImageCodecError` where it is damaged.
    func image(size: ImageSize) throws(ImageCodecError) -> RasterImage? {
        let status = avifDecoderNextImage(decoder)
        guard status == AVIF_RESULT_OK else {
            if status == AVIF_RESULT_TRUNCATED_DATA { throw .truncated("it ends before its pixels do") }
            return nil
        }
        guard let image = decoder.pointee.image, Int(image.pointee.width) == size.width,
            Int(image.pointee.height) == size.height
        else { return nil }
        var pixels: [UInt8]
        if let matrix = matrix(of: image.pointee), let planes = YCbCrPlanes(image.pointee, size: size) {
            pixels = planes.rgb(matrix)
        } else {
            guard let found = converted(image.pointee, size: size) else { return nil }
            pixels = found
        }
        if image.pointee.alphaPremultiplied != 0, let opacity = YCbCrPlanes.opacity(image.pointee, size: size) {
            Self.divide(&pixels, by: opacity)
        }
        return RasterImage(size: size, pixels: pixels)
    }

    /// An image whose matrix is of a kind that only libavif knows.
    private func converted(_ image: avifImage, size: ImageSize) -> [UInt8]? {
        guard let stride = UInt32(exactly: 3 * size.width) else { return nil }
        var image = image, rgb = avifRGBImage()
        // Asked for colors alone, libavif would show transparent pixels on black.
        image.alphaPlane = nil
        image.alphaRowBytes = 0
        avifRGBImageSetDefaults(&rgb, &image)
        rgb.format = AVIF_RGB_FORMAT_RGB
        rgb.depth = 8
        rgb.rowBytes = stride
        var succeeded = false
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * size.area) { output, count in
            rgb.pixels = output.baseAddress
            succeeded = avifImageYUVToRGB(&image, &rgb) == AVIF_RESULT_OK
            count = succeeded ? 3 * size.area : 0
        }
        return succeeded ? pixels : nil
    }

    /// Gives pixels the colors that they had before they were multiplied by their opacity.
    ///
    /// Source: libyuv, `source/row_common.cc` (`ARGBUnattenuateRow_C`).
    private static func divide(_ pixels: inout [UInt8], by opacity: [UInt8]) {
        let inverse = (0...UInt32(255)).map { $0 == 0 ? 0 : min(65_536 / $0, 65_535) }
        pixels.withUnsafeMutableBufferPointer { pixels in
            for (i, alpha) in opacity.enumerated() where alpha < 255 {
                for at in 3 * i..<3 * i + 3 {
                    pixels[at] = UInt8(clamping: (UInt32(pixels[at]) &* 257 &* inverse[Int(alpha)]) &>> 16)
                }
            }
        }
    }
}
