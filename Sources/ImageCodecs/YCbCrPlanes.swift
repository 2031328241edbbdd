import CImageCodecs
import Imaging

/// A decoded image in the planes that its codec stores: Y, Cb and Cr, or Y alone. The planes must outlive it.
struct YCbCrPlanes {
    /// A plane of 8-bit samples, or of more bits in two bytes each.
    private struct Plane {
        let base: UnsafePointer<UInt8>
        let stride: Int
        let width: Int
        let height: Int
        let bits: Int

        init?(_ base: UnsafeMutablePointer<UInt8>?, stride: UInt32, width: Int, height: Int, bits: UInt32) {
            guard let base, (8...16).contains(bits), width > 0, height > 0 else { return nil }
            self.base = UnsafePointer(base)
            self.stride = Int(stride)
            (self.width, self.height, self.bits) = (width, height, Int(bits))
            guard self.stride >= width * (bits > 8 ? 2 : 1) else { return nil }
        }

        /// A sample of any depth as a number.
        func sample(_ x: Int, _ y: Int) -> Int {
            let row = UnsafeRawPointer(base + y * stride)
            return bits > 8
                ? Int(row.loadUnaligned(fromByteOffset: 2 * x, as: UInt16.self))
                : Int(row.load(fromByteOffset: x, as: UInt8.self))
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
    /// Whether Y is used with all of its bits: libyuv has code for 10 bits that writes four channels, but none that writes three.
    private let keepsLuma: Bool

    /// Returns `nil` for images without planes, or of another size.
    init?(_ image: avifImage, size: ImageSize) {
        guard Int(image.width) == size.width, Int(image.height) == size.height,
            let luma = Plane(
                image.yuvPlanes.0, stride: image.yuvRowBytes.0, width: size.width, height: size.height,
                bits: image.depth)
        else { return nil }
        self.luma = luma
        self.size = size
        keepsLuma = image.depth == 10 && image.alphaPlane != nil
        let isHalfWide = image.yuvFormat == AVIF_PIXEL_FORMAT_YUV420 || image.yuvFormat == AVIF_PIXEL_FORMAT_YUV422
        let width = isHalfWide ? (size.width + 1) / 2 : size.width
        let height = image.yuvFormat == AVIF_PIXEL_FORMAT_YUV420 ? (size.height + 1) / 2 : size.height
        guard image.yuvFormat != AVIF_PIXEL_FORMAT_YUV400 else {
            chroma = nil
            return
        }
        guard
            let cb = Plane(
                image.yuvPlanes.1, stride: image.yuvRowBytes.1, width: width, height: height, bits: image.depth),
            let cr = Plane(
                image.yuvPlanes.2, stride: image.yuvRowBytes.2, width: width, height: height, bits: image.depth)
        else { return nil }
        chroma = (cb, cr)
    }

    /// The opacity of each pixel in 8 bits; `nil` where the image has none.
    static func opacity(_ image: avifImage, size: ImageSize) -> [UInt8]? {
        guard
            let plane = Plane(
                image.alphaPlane, stride: image.alphaRowBytes, width: size.width, height: size.height,
                bits: image.depth)
        else { return nil }
        return [UInt8](unsafeUninitializedCapacity: size.area) { output, count in
            for y in 0..<size.height {
                for x in 0..<size.width {
                    let value = plane.sample(x, y) >> (plane.bits - 8)
                    output[y * size.width + x] = UInt8(truncatingIfNeeded: value)
                }
            }
            count = size.area
        }
    }

    /// The image in RGB, its chroma filtered, as libavif with libyuv gives it.
    func rgb(_ matrix: YCbCrMatrix) -> [UInt8] {
        let width = size.width
        return [UInt8](unsafeUninitializedCapacity: 3 * size.area) { output, count in
            // A row of Y, two of Cb and two of Cr, and one each of doubled Cb and Cr.
            let buffers = UnsafeMutablePointer<UInt8>.allocate(capacity: 7 * width)
            defer { buffers.deallocate() }
            guard let base = output.baseAddress else { return }
            for y in 0..<size.height {
                let to = base + 3 * y * width
                guard let chroma else {
                    for x in 0..<width {
                        let value = matrix.gray(luma.sample(x, y), bits: luma.bits)
                        (to[3 * x], to[3 * x + 1], to[3 * x + 2]) = (value, value, value)
                    }
                    continue
                }
                guard !keepsLuma else {
                    for x in 0..<width {
                        let color = matrix.color(
                            luma.sample(x, y) << 6 | luma.sample(x, y) >> 4, wideSample(chroma.cb, x, y),
                            wideSample(chroma.cr, x, y))
                        (to[3 * x], to[3 * x + 1], to[3 * x + 2]) = color
                    }
                    continue
                }
                let row = luma.row(y, buffers)
                let cb = samples(chroma.cb, y, buffers + width, buffers + 5 * width)
                let cr = samples(chroma.cr, y, buffers + 3 * width, buffers + 6 * width)
                matrix.convert(y: row, cb: cb, cr: cr, count: width, to: to)
            }
            count = 3 * size.area
        }
    }

    /// A sample of chroma in the image's resolution, filtered with all of its bits and then reduced to 8.
    private func wideSample(_ plane: Plane, _ x: Int, _ y: Int) -> Int {
        guard plane.width != size.width || plane.height != size.height else {
            return plane.sample(x, y) >> (plane.bits - 8)
        }
        let near = ChromaUpsampling.neighbors(x, of: size.width, count: plane.width)
        let isHalfHigh = plane.height != size.height
        let top = isHalfHigh ? y / 2 : y
        let bottom = isHalfHigh ? min(max(y % 2 == 0 ? top - 1 : top + 1, 0), plane.height - 1) : top
        let sum =
            9 * plane.sample(near.a, top) + 3 * plane.sample(near.b, top) + 3 * plane.sample(near.a, bottom)
            + plane.sample(near.b, bottom)
        return min((sum + 8) >> (plane.bits - 4), 255)
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
