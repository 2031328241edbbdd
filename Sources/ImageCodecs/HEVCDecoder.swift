import CImageCodecs
import Imaging

/// Decodes the image of an HEVC stream by libde265, the library that libheif uses, into the planes that the stream holds.
///
/// libheif before 1.16 gives RGB only, converted by rules that changed since, and turns images after the conversion. Training pipelines
/// see the newest version's pixels.
///
/// Source: libheif 1.23, `libheif/plugins/decoder_libde265.cc`.
enum HEVCDecoder {
    /// Returns the first decoded picture of a stream.
    /// - Parameters:
    ///   - parameterSets: units of the network abstraction layer that come first; the bytes of all units must outlive the call.
    ///   - units: those of the item's data.
    /// - Throws: `ImageCodecError`.
    static func picture<Sample>(
        parameterSets: [UnsafeRawBufferPointer], units: [UnsafeRawBufferPointer], as _: Sample.Type
    ) throws(ImageCodecError) -> PlanarPicture<Sample> {
        guard let decoder = de265_new_decoder() else { throw .corrupt("there is no memory for it") }
        defer { de265_free_decoder(decoder) }
        for list in [parameterSets, units] {
            for unit in list where !unit.isEmpty {
                guard let length = Int32(exactly: unit.count),
                    de265_push_NAL(decoder, unit.baseAddress, length, 0, nil) == DE265_OK
                else { throw .corrupt("its image data cannot be read") }
            }
        }
        guard de265_flush_data(decoder) == DE265_OK else { throw .corrupt("its image data cannot be read") }
        // Each step consumes at least one unit, or outputs a decoded picture.
        for _ in 0..<2 * (parameterSets.count + units.count) + 16 {
            var hasMore: Int32 = 0
            guard de265_decode(decoder, &hasMore) == DE265_OK else { break }
            if let image = de265_get_next_picture(decoder) { return try PlanarPicture(image) }
            guard hasMore != 0 else { break }
        }
        throw .corrupt("its image data is incomplete or damaged")
    }
}

extension PlanarPicture {
    /// Copies a decoded picture of libde265.
    fileprivate init(_ image: OpaquePointer) throws(ImageCodecError) {
        let chroma: Chroma =
            switch de265_get_chroma_format(image) {
            case de265_chroma_mono: .none
            case de265_chroma_420: .halfBoth
            case de265_chroma_422: .halfWidth
            default: .full
            }
        let bits = Int(de265_get_bits_per_pixel(image, 0))
        guard (8...16).contains(bits), bits <= Sample.bitWidth else {
            throw .unsupported("a HEIF file of \(bits) bits a sample")
        }
        // Where a stream cuts everything off, not every version of the library refuses it: the size may be 0 or negative.
        let size = try ImageLimits(pixels: .max, side: 65_535).check(
            width: Int(de265_get_image_width(image, 0)), height: Int(de265_get_image_height(image, 0)))
        var planes: [PicturePlane<Sample>] = []
        for channel in 0..<Int32(chroma == .none ? 1 : 3) {  // checked: 1 or 3
            let expected = channel == 0 ? size : chroma.size(for: size)
            guard Int(de265_get_bits_per_pixel(image, channel)) == bits,
                Int(de265_get_image_width(image, channel)) == expected.width,
                Int(de265_get_image_height(image, channel)) == expected.height
            else { throw .unsupported("a HEIF file whose colors differ in size or depth") }
            var stride: Int32 = 0
            guard let base = de265_get_image_plane(image, channel, &stride),
                Int(stride) >= expected.width * (bits > 8 ? 2 : 1)
            else { throw .corrupt("its image data is incomplete or damaged") }
            planes.append(PicturePlane(base, stride: Int(stride), size: expected, isWide: bits > 8))
        }
        self.init(
            planes: planes, chroma: chroma, bits: bits,
            signal: ColorSignal(
                primaries: Int(de265_get_image_colour_primaries(image)),
                matrix: Int(de265_get_image_matrix_coefficients(image)),
                isFullRange: de265_get_image_full_range_flag(image) != 0))
    }
}

extension PicturePlane {
    fileprivate init(_ base: UnsafePointer<UInt8>, stride: Int, size: ImageSize, isWide: Bool) {
        let samples = [Sample](unsafeUninitializedCapacity: size.area) { output, count in
            for y in 0..<size.height {
                let row = UnsafeRawPointer(base + y * stride)
                for x in 0..<size.width {
                    output[y * size.width + x] =
                        isWide
                        ? Sample(truncatingIfNeeded: row.loadUnaligned(fromByteOffset: 2 * x, as: UInt16.self))
                        : Sample(truncatingIfNeeded: row.load(fromByteOffset: x, as: UInt8.self))
                }
            }
            count = size.area
        }
        self.init(size: size, samples: samples)
    }
}
