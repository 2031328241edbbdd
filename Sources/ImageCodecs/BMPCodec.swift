import Imaging

/// Windows and OS/2 bitmaps: 1 to 8 bits with a palette, also in runs, 16, 24 and 32 bits, from the bottom or from the top. Reading only;
/// Debian has no library for them that is made for files from anywhere.
struct BMPCodec: ImageCodec {
    /// Whether bytes begin like a bitmap, with the header of a file or without it. 18 bytes are looked at.
    static func isHeader(_ head: [UInt8]) -> Bool {
        head.starts(with: "BM".utf8) ? BMPHeader.isPlausible(head) : BMPHeader.isPlausibleWithoutFile(head)
    }

    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        let file = try BMPHeader(bytes)
        let size = try limits.check(width: file.width, height: file.height)
        return ImageHeader(size: size, orientation: .up, workingMemory: file.storage == .runs ? size.area : 0)
    }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, minimumSize: ImageSize
    ) throws(ImageCodecError) -> RasterImage {
        let file = try BMPHeader(bytes)
        let size = header.size
        guard file.width == size.width, file.height == size.height else { throw .corrupt("its size is unclear") }
        if file.storage == .runs {
            let indices = try BMPRuns.indices(of: bytes, file)
            return image(size, isFromTop: file.isFromTop) { x, y in file.palette[Int(indices[y * size.width + x])] }
        }
        // Rows begin at multiples of four bytes; the last may lack what fills it up.
        let stride = (size.width * file.bits + 31) / 32 * 4  // checked: the size is within the limits
        let needed = stride * (size.height - 1) + (size.width * file.bits + 7) / 8
        guard file.pixelsAt <= bytes.count, needed <= bytes.count - file.pixelsAt else {
            throw .truncated("it ends within its pixels")
        }
        let start = file.pixelsAt
        switch file.bits {
        case 24:
            return image(size, isFromTop: file.isFromTop) { x, y in
                let at = start + y * stride + 3 * x
                return (bytes[at + 2], bytes[at + 1], bytes[at])
            }
        case 16, 32:
            let channels = file.masks.map(Channel.init)
            let (red, green, blue) = (channels[0], channels[1], channels[2])
            return image(size, isFromTop: file.isFromTop) { x, y in
                let at = start + y * stride
                let pixel =
                    file.bits == 16
                    ? UInt32(bytes.loadUnaligned(fromByteOffset: at + 2 * x, as: UInt16.self).littleEndian)
                    : bytes.loadUnaligned(fromByteOffset: at + 4 * x, as: UInt32.self).littleEndian
                return (red.byte(of: pixel), green.byte(of: pixel), blue.byte(of: pixel))
            }
        default:
            return image(size, isFromTop: file.isFromTop) { x, y in
                let bit = x * file.bits
                let byte = Int(bytes[start + y * stride + bit / 8])
                return file.palette[byte >> (8 - file.bits - bit % 8) & (1 << file.bits - 1)]
            }
        }
    }

    func encode(_ image: RasterImage, quality: Int) throws(ImageCodecError) -> [UInt8] {
        throw .notWritable(as: "BMP", reason: "only JPEG, PNG and WebP are")
    }

    /// An image of the pixels that a function gives, with the rows in the file's order.
    @inline(__always)
    private func image(
        _ size: ImageSize, isFromTop: Bool, pixel: (_ x: Int, _ y: Int) -> (red: UInt8, green: UInt8, blue: UInt8)
    ) -> RasterImage {
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * size.area) { output, count in
            for y in 0..<size.height {
                let row = isFromTop ? y : size.height - 1 - y
                for x in 0..<size.width {
                    let at = 3 * (y * size.width + x)
                    (output[at], output[at + 1], output[at + 2]) = pixel(x, row)
                }
            }
            count = 3 * size.area
        }
        return RasterImage(size: size, pixels: pixels)
    }

    /// Where a color's bits are in a pixel.
    private struct Channel {
        private let mask: UInt32
        private let shift: Int
        private let most: UInt32

        init(_ mask: UInt32) {
            self.mask = mask
            shift = mask == 0 ? 0 : mask.trailingZeroBitCount
            most = mask >> shift
        }

        /// The color in 0...255, rounded down as Pillow does it.
        func byte(of pixel: UInt32) -> UInt8 {
            guard most > 0 else { return 0 }
            return UInt8(truncatingIfNeeded: UInt64((pixel & mask) >> shift) * 255 / UInt64(most))
        }
    }
}
