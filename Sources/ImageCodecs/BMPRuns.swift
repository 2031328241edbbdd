/// Decodes bitmaps that are stored as runs (RLE4 and RLE8).
///
/// Sources: Microsoft, "Bitmap Compression"; Pillow, `src/PIL/BmpImagePlugin.py`, for files that do not keep to it.
enum BMPRuns {
    /// The palette's index of each pixel, in the file's order of rows; 0 where the runs leave one out.
    /// - Throws: `ImageCodecError`.
    static func indices(of bytes: UnsafeRawBufferPointer, _ header: BMPHeader) throws(ImageCodecError) -> [UInt8] {
        let total = header.width * header.height  // checked: the size is within the limits
        var indices = [UInt8](repeating: 0, count: total)
        var at = header.pixelsAt
        var pixel = 0, x = 0
        let isNarrow = header.bits == 4

        func next() -> Int? {
            guard at < bytes.count else { return nil }
            defer { at += 1 }
            return Int(bytes[at])
        }
        func put(_ index: Int) {
            guard pixel < total else { return }
            indices[pixel] = UInt8(truncatingIfNeeded: index)
            pixel += 1
        }

        while pixel < total {
            guard let count = next(), let value = next() else { throw .truncated("it ends within its pixels") }
            switch (count, value) {
            case (0, 0):  // end of the row
                if pixel % header.width != 0 { pixel += header.width - pixel % header.width }
                x = 0
            case (0, 1):  // end of the image
                return indices
            case (0, 2):  // pixels that are left out
                guard let right = next(), let up = next() else { throw .truncated("it ends within its pixels") }
                pixel = min(pixel + right + up * header.width, total)
                x = pixel % header.width
            case (0, _):  // pixels as they are
                let length = min(value, total - pixel)
                for i in 0..<(isNarrow ? (length + 1) / 2 : length) {
                    guard let byte = next() else { throw .truncated("it ends within its pixels") }
                    guard isNarrow else {
                        put(byte)
                        continue
                    }
                    put(byte >> 4)
                    if 2 * i + 1 < length { put(byte & 15) }
                }
                x += value
                at += at % 2
            default:  // a run, which ends with its row
                for i in 0..<max(min(count, header.width - x), 0) {
                    put(isNarrow ? (i % 2 == 0 ? value >> 4 : value & 15) : value)
                }
                x += count
            }
        }
        return indices
    }
}
