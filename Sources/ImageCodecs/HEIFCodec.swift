import CImageCodecs
import Imaging

/// HEIC by libde265, AVIF by libavif, and by libheif what those do not read: the primary image, turned as the file says, alpha dropped.
/// Reading only.
struct HEIFCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        let items = try HEIFBudget.items(of: bytes)
        let pixels = try HEIFBudget.check(items, in: bytes, limits: limits)
        if items.isAV1, let header = try AVIFFile(bytes)?.header(limits: limits, pixels: pixels) { return header }
        // The size is that after the file's own turns; an EXIF orientation besides them does not count.
        if let pictures = HEVCPictures(items, in: bytes) {
            let size = try limits.check(width: pictures.size.width, height: pictures.size.height)
            return ImageHeader(size: size, orientation: .up, workingMemory: pictures.workingMemory)
        }
        return try HEIFReferences.withReadable(bytes, items) { (bytes) throws(ImageCodecError) in
            let file = try HEIFFile(bytes)
            let size = try limits.check(
                width: Int(heif_image_handle_get_width(file.handle)),
                height: Int(heif_image_handle_get_height(file.handle)))
            // Unknown where the image is derived from others.
            let isDeep = !(1...8).contains(heif_image_handle_get_luma_bits_per_pixel(file.handle))
            return ImageHeader(
                size: size, orientation: .up, workingMemory: Self.workingMemoryOfPixel(isDeep: isDeep) * pixels)
        }
    }

    /// Memory in bytes that libheif takes for each pixel that it decodes: the decoder's planes and its own, or its own and one or two
    /// images in RGB.
    static func workingMemoryOfPixel(isDeep: Bool) -> Int { isDeep ? 18 : 9 }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, minimumSize: ImageSize
    ) throws(ImageCodecError) -> RasterImage {
        let items = HEIFItems(bytes)
        var isTurnedLater = false
        if items.isAV1, let file = AVIFFile(bytes) {
            if let image = try file.image(size: header.size) { return image }
            // The header is libavif's too: its orientation is that of pixels that libheif did not turn.
            isTurnedLater = true
        }
        if let pictures = HEVCPictures(items, in: bytes) {
            guard pictures.size == header.size else { throw .corrupt("its size is unclear") }
            return try pictures.image()
        }
        return try HEIFReferences.withReadable(bytes, items) { (bytes) throws(ImageCodecError) in
            let file = try HEIFFile(bytes)
            return try converted(file, size: header.size, turns: !isTurnedLater)
        }
    }

    func encode(_ image: RasterImage, quality: Int) throws(ImageCodecError) -> [UInt8] {
        throw .notWritable(as: "HEIF", reason: "only JPEG, PNG and WebP are")
    }

    /// The image in RGB as libheif gives it.
    /// - Parameter turns: whether it is turned, mirrored and cropped as its properties say.
    private func converted(_ file: HEIFFile, size: ImageSize, turns: Bool) throws(ImageCodecError) -> RasterImage {
        let decoded = try HEIFImage(file, turns: turns)
        var stride: Int32 = 0
        guard let plane = heif_image_get_plane_readonly(decoded.image, heif_channel_interleaved, &stride),
            Int(heif_image_get_width(decoded.image, heif_channel_interleaved)) == size.width,
            Int(heif_image_get_height(decoded.image, heif_channel_interleaved)) == size.height,
            Int(stride) >= 3 * size.width
        else { throw .corrupt("its image has another size than it says") }
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * size.area) { output, count in
            for y in 0..<size.height {
                output.baseAddress?.advanced(by: 3 * y * size.width)
                    .initialize(from: plane + y * Int(stride), count: 3 * size.width)
            }
            count = 3 * size.area
        }
        return RasterImage(size: size, pixels: pixels)
    }
}

/// A parsed file and its primary image. The bytes must outlive it.
final class HEIFFile {
    let handle: OpaquePointer
    private let context: OpaquePointer

    init(_ bytes: UnsafeRawBufferPointer) throws(ImageCodecError) {
        guard let context = heif_context_alloc() else { throw .corrupt("there is no memory for it") }
        var handle: OpaquePointer?
        do throws(ImageCodecError) {
            try Self.check(heif_context_read_from_memory_without_copy(context, bytes.baseAddress, bytes.count, nil))
            try Self.check(heif_context_get_primary_image_handle(context, &handle))
        } catch {
            heif_context_free(context)
            throw error
        }
        guard let handle else {
            heif_context_free(context)
            throw .corrupt("it has no image")
        }
        self.context = context
        self.handle = handle
    }

    deinit {
        heif_image_handle_release(handle)
        heif_context_free(context)
    }

    static func check(_ error: heif_error) throws(ImageCodecError) {
        guard error.code != heif_error_Ok else { return }
        let message = error.message.map { String(cString: $0) } ?? "it cannot be read"
        switch error.code {
        case heif_error_Unsupported_filetype, heif_error_Unsupported_feature:
            throw .unsupported("a HEIF file of a kind that cannot be read (\(message))")
        default: throw error.subcode == heif_suberror_End_of_data ? .truncated(message) : .corrupt(message)
        }
    }
}

/// A decoded image in RGB.
private final class HEIFImage {
    let image: OpaquePointer

    init(_ file: HEIFFile, turns: Bool) throws(ImageCodecError) {
        guard let options = heif_decoding_options_alloc() else { throw .outOfMemory }
        defer { heif_decoding_options_free(options) }
        options.pointee.ignore_transformations = turns ? 0 : 1
        var decoded: OpaquePointer?
        try HEIFFile.check(
            heif_decode_image(file.handle, &decoded, heif_colorspace_RGB, heif_chroma_interleaved_RGB, options))
        guard let decoded else { throw .corrupt("it has no image") }
        image = decoded
    }

    deinit { heif_image_release(image) }
}
