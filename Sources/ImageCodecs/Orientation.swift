import Imaging

/// How stored pixels have to be turned to be upright: the EXIF orientation, 1...8.
enum Orientation: Int, Sendable {
    case up = 1
    case upMirrored, down, downMirrored, leftMirrored, right, rightMirrored, left

    /// Whether width and height change places.
    var swapsSides: Bool { rawValue >= 5 }

    /// Reads tag 0x0112 of the first directory of a TIFF file, or of a block that is laid out like one; `.up` where there is none or
    /// it is nonsense.
    init(tiff bytes: UnsafeRawBufferPointer) {
        self = TIFFDirectory(bytes)?.orientation ?? .up
    }

    /// Reads the orientation of an EXIF block with any number of `Exif` prefixes; `nil` where it has none.
    init?(exif block: UnsafeRawBufferPointer) {
        var tiff = block[...]
        while tiff.starts(with: Self.exifPrefix) { tiff = tiff.dropFirst(Self.exifPrefix.count) }
        guard let found = TIFFDirectory(UnsafeRawBufferPointer(rebasing: tiff))?.orientation else { return nil }
        self = found
    }

    private static let exifPrefix = Array("Exif\0\0".utf8)

    /// Reads `tiff:Orientation` of XMP metadata, written as an attribute or as an element; `nil` where there is none.
    init?(xmp: UnsafeRawBufferPointer) {
        let name = Array("tiff:Orientation".utf8)
        var rest = xmp[...]
        while let at = rest.firstIndex(of: name[0]) {
            rest = rest[at...]
            if rest.starts(with: name) {
                let value = rest.dropFirst(name.count)
                let digit = value.starts(with: "=\"".utf8) ? value.dropFirst(2) : value.dropFirst(1)
                if value.first == UInt8(ascii: ">") || value.starts(with: "=\"".utf8), let character = digit.first,
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character)
                {
                    guard let found = Orientation(rawValue: Int(character) - 48) else { return nil }
                    self = found
                    return
                }
            }
            rest = rest.dropFirst()
        }
        return nil
    }
}

extension RasterImage {
    /// The image turned upright. `originalSize` is that of the result.
    func applying(_ orientation: Orientation, originalSize: ImageSize) -> RasterImage {
        guard orientation != .up else { return RasterImage(size: size, pixels: pixels, originalSize: originalSize) }
        let target = orientation.swapsSides ? size.transposed : size
        // Where output pixel (0, 0) comes from, and how far one step in x and in y goes in the source, in pixels.
        let (w, h) = (size.width, size.height)
        let last = w * h - 1
        let (start, stepX, stepY): (Int, Int, Int) =
            switch orientation {
            case .up: (0, 1, w)
            case .upMirrored: (w - 1, -1, w)
            case .down: (last, -1, -w)
            case .downMirrored: (last - w + 1, 1, -w)
            case .leftMirrored: (0, w, 1)
            case .right: (last - w + 1, -w, 1)
            case .rightMirrored: (last, -w, -1)
            case .left: (w - 1, w, -1)
            }
        let turned = [UInt8](unsafeUninitializedCapacity: 3 * target.area) { output, count in
            pixels.withUnsafeBufferPointer { input in
                guard let source = input.baseAddress, var out = output.baseAddress else { return }
                for y in 0..<target.height {
                    var at = source + 3 * (start + y * stepY)
                    for _ in 0..<target.width {
                        out[0] = at[0]
                        out[1] = at[1]
                        out[2] = at[2]
                        out += 3
                        at += 3 * stepX
                    }
                }
            }
            count = 3 * target.area
        }
        return RasterImage(size: target, pixels: turned, originalSize: originalSize)
    }
}
