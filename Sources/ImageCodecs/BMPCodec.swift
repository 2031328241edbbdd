import Imaging

/// Windows bitmaps without compression: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits, from the bottom or from the top. Reading
/// only; Debian has no library for them that is made for files from anywhere.
struct BMPCodec: ImageCodec {
    private struct Header {
        var width = 0
        var height = 0
        var isFromTop = false
        var bits = 0
        var masks: [UInt32] = [0xFF0000, 0xFF00, 0xFF]
        var palette: [(red: UInt8, green: UInt8, blue: UInt8)] = []
        var pixelsAt = 0
    }

    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        let header = try parse(bytes)
        return ImageHeader(size: try limits.check(width: header.width, height: header.height), orientation: .up)
    }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, enough: ImageSize
    ) throws(ImageCodecError) -> Image {
        let file = try parse(bytes)
        let size = header.size
        // Rows begin at multiples of four bytes.
        let stride = (size.width * file.bits + 31) / 32 * 4
        guard file.pixelsAt <= bytes.count, stride * size.height <= bytes.count - file.pixelsAt else {
            throw .truncated("it ends within its pixels")
        }
        let channels = file.masks.map(Channel.init)
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * size.area) { output, count in
            for y in 0..<size.height {
                let row = file.pixelsAt + stride * (file.isFromTop ? y : size.height - 1 - y)
                for x in 0..<size.width {
                    let at = 3 * (y * size.width + x)
                    switch file.bits {
                    case 24:
                        output[at] = bytes[row + 3 * x + 2]
                        output[at + 1] = bytes[row + 3 * x + 1]
                        output[at + 2] = bytes[row + 3 * x]
                    case 16, 32:
                        let length = file.bits / 8
                        let value = (0..<length).reduce(UInt32(0)) {
                            $0 | UInt32(bytes[row + length * x + $1]) << UInt32(8 * $1)
                        }
                        for (i, channel) in channels.enumerated() { output[at + i] = channel.byte(of: value) }
                    default:
                        let bit = x * file.bits
                        let index = Int(bytes[row + bit / 8]) >> (8 - file.bits - bit % 8) & (1 << file.bits - 1)
                        let color = index < file.palette.count ? file.palette[index] : (red: 0, green: 0, blue: 0)
                        (output[at], output[at + 1], output[at + 2]) = (color.red, color.green, color.blue)
                    }
                }
            }
            count = 3 * size.area
        }
        return Image(size: size, pixels: pixels)
    }

    func encode(_ image: Image, quality: Int) throws(ImageCodecError) -> [UInt8] {
        throw .unsupported("not writable as BMP")
    }

    private func parse(_ bytes: UnsafeRawBufferPointer) throws(ImageCodecError) -> Header {
        guard bytes.count >= 26 else { throw .truncated("it ends within its header") }
        var header = Header()
        header.pixelsAt = bytes.littleEndian32(at: 10)
        let length = bytes.littleEndian32(at: 14)
        let isOld = length == 12
        guard isOld || (40...4096).contains(length), bytes.count >= 14 + length, header.pixelsAt >= 14 + length else {
            throw .corrupt("it has no valid BMP header")
        }
        var colors = 0
        if isOld {
            (header.width, header.height) = (bytes.littleEndian16(at: 18), bytes.littleEndian16(at: 20))
            header.bits = bytes.littleEndian16(at: 24)
        } else {
            let height = bytes.littleEndian32(at: 22)
            (header.width, header.height) = (bytes.littleEndian32(at: 18), abs(height))
            header.isFromTop = height < 0
            header.bits = bytes.littleEndian16(at: 28)
            colors = bytes.littleEndian32(at: 46)
            if header.bits == 16 { header.masks = [0x7C00, 0x3E0, 0x1F] }
            switch bytes.littleEndian32(at: 30) {
            case 0: break
            case 3, 6:
                guard bytes.count >= 66 else { throw .truncated("it ends within its header") }
                header.masks = (0..<3).map {
                    UInt32(bitPattern: Int32(truncatingIfNeeded: bytes.littleEndian32(at: 54 + 4 * $0)))
                }
            default: throw .unsupported("a compressed BMP")
            }
        }
        guard [1, 4, 8, 16, 24, 32].contains(header.bits) else { throw .corrupt("it has \(header.bits) bits a pixel") }
        if header.bits <= 8 {
            let most = 1 << header.bits, entry = isOld ? 3 : 4
            let count = (1...most).contains(colors) ? colors : most
            for i in 0..<count {
                let at = 14 + length + entry * i
                guard at + entry <= bytes.count else { throw .truncated("it ends within its palette") }
                header.palette.append((bytes[at + 2], bytes[at + 1], bytes[at]))
            }
        }
        return header
    }

    /// Where a colour's bits stand in a pixel.
    private struct Channel {
        private let mask: UInt32
        private let shift: UInt32
        private let most: UInt32

        init(_ mask: UInt32) {
            self.mask = mask
            shift = UInt32(mask == 0 ? 0 : mask.trailingZeroBitCount)
            most = mask >> shift
        }

        func byte(of pixel: UInt32) -> UInt8 {
            guard most > 0 else { return 0 }
            return UInt8((UInt64((pixel & mask) >> shift) * 255 + UInt64(most) / 2) / UInt64(most))
        }
    }
}
