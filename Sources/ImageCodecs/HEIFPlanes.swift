import CImageCodecs
import Imaging

/// A decoded HEIF image in the planes that its codec stores: Y, Cb and Cr, or Y alone.
///
/// libheif 1.15, which Debian 12 has, turns them into RGB without filtering the chroma, and takes gray of limited range for full range.
/// Pillow's libraries do otherwise.
struct HEIFPlanes {
    /// A plane of 8-bit samples, or of more bits in two bytes each.
    private struct Plane {
        let base: UnsafePointer<UInt8>
        let stride: Int
        let width: Int
        let height: Int
        let bits: Int

        init?(_ image: OpaquePointer, _ channel: heif_channel) {
            var stride: Int32 = 0
            guard let base = heif_image_get_plane_readonly(image, channel, &stride) else { return nil }
            self.base = base
            self.stride = Int(stride)
            width = Int(heif_image_get_width(image, channel))
            height = Int(heif_image_get_height(image, channel))
            bits = Int(heif_image_get_bits_per_pixel_range(image, channel))
            let sampleBytes = bits > 8 ? 2 : 1
            guard (8...16).contains(bits), width > 0, height > 0, self.stride >= width * sampleBytes else { return nil }
        }

        /// A row in 8 bits: in place, or reduced into a buffer of at least `width` bytes.
        func row(_ y: Int, _ buffer: UnsafeMutablePointer<UInt8>) -> UnsafePointer<UInt8> {
            let row = base + min(y, height - 1) * stride
            guard bits > 8 else { return row }
            let raw = UnsafeRawPointer(row)
            for x in 0..<width {
                let value = raw.loadUnaligned(fromByteOffset: 2 * x, as: UInt16.self) >> UInt16(bits - 8)
                buffer[x] = UInt8(truncatingIfNeeded: value)
            }
            return UnsafePointer(buffer)
        }
    }

    private let luma: Plane
    private let chroma: (cb: Plane, cr: Plane)?
    private let size: ImageSize

    /// Returns `nil` for images of other kinds than Y, or Y with Cb and Cr of the same depth in full or half size.
    init?(_ image: OpaquePointer, size: ImageSize) {
        guard [heif_colorspace_YCbCr, heif_colorspace_monochrome].contains(heif_image_get_colorspace(image)),
            let luma = Plane(image, heif_channel_Y), luma.width == size.width, luma.height == size.height
        else { return nil }
        self.luma = luma
        self.size = size
        guard heif_image_get_colorspace(image) == heif_colorspace_YCbCr else {
            chroma = nil
            return
        }
        guard let cb = Plane(image, heif_channel_Cb), let cr = Plane(image, heif_channel_Cr), cb.width == cr.width,
            cb.height == cr.height, cb.bits == luma.bits, cr.bits == luma.bits,
            [size.width, (size.width + 1) / 2].contains(cb.width),
            [size.height, (size.height + 1) / 2].contains(cb.height)
        else { return nil }
        chroma = (cb, cr)
    }

    /// The image in RGB, its chroma filtered, as libavif with libyuv gives it.
    func rgb(_ matrix: YCbCrMatrix) -> [UInt8] {
        let width = size.width
        return [UInt8](unsafeUninitializedCapacity: 3 * size.area) { output, count in
            // Rows of Y, two of Cb and two of Cr, and one each of doubled Cb and Cr.
            let buffers = UnsafeMutablePointer<UInt8>.allocate(capacity: 7 * width)
            defer { buffers.deallocate() }
            guard let base = output.baseAddress else { return }
            for y in 0..<size.height {
                let to = base + 3 * y * width
                let row = luma.row(y, buffers)
                guard let chroma else {
                    matrix.convert(y: row, count: width, to: to)
                    continue
                }
                let cb = samples(chroma.cb, y, buffers + width, buffers + 5 * width)
                let cr = samples(chroma.cr, y, buffers + 3 * width, buffers + 6 * width)
                matrix.convert(y: row, cb: cb, cr: cr, count: width, to: to)
            }
            count = 3 * size.area
        }
    }

    /// A row of a chroma plane in the image's width.
    private func samples(
        _ plane: Plane, _ y: Int, _ rows: UnsafeMutablePointer<UInt8>, _ doubled: UnsafeMutablePointer<UInt8>
    ) -> UnsafePointer<UInt8> {
        let isHalfHigh = plane.height != size.height
        let near = isHalfHigh ? y / 2 : y
        let far = isHalfHigh ? min(max(y % 2 == 0 ? near - 1 : near + 1, 0), plane.height - 1) : near
        let nearRow = plane.row(near, rows)
        guard plane.width != size.width || isHalfHigh else { return nearRow }
        let farRow = far == near ? nearRow : plane.row(far, rows + size.width)
        if plane.width == size.width {
            for x in 0..<size.width {
                doubled[x] = UInt8(truncatingIfNeeded: (3 * Int(nearRow[x]) + Int(farRow[x]) + 2) >> 2)
            }
        } else {
            ChromaUpsampling.row(near: nearRow, far: farRow, sourceCount: plane.width, count: size.width, to: doubled)
        }
        return UnsafePointer(doubled)
    }
}
