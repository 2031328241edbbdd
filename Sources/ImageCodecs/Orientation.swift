import Imaging

/// How stored pixels have to be turned to be upright: the EXIF orientation, 1...8.
enum Orientation: Int, Sendable {
    case up = 1
    case upMirrored, down, downMirrored, leftMirrored, right, rightMirrored, left

    /// Whether width and height change places.
    var swapsSides: Bool { rawValue >= 5 }

    /// Reads tag 0x0112 of the first directory of a TIFF block, as EXIF has it; `.up` where there is none or it is
    /// nonsense.
    init(tiff bytes: UnsafeRawBufferPointer) {
        self = Self.read(tiff: bytes) ?? .up
    }

    private static func read(tiff bytes: UnsafeRawBufferPointer) -> Orientation? {
        guard bytes.count >= 8 else { return nil }
        let little: Bool
        switch (bytes[0], bytes[1]) {
        case (0x49, 0x49): little = true
        case (0x4D, 0x4D): little = false
        default: return nil
        }
        func number(_ offset: Int, _ count: Int) -> Int? {
            guard offset >= 0, offset <= bytes.count - count else { return nil }
            return (0..<count).reduce(0) { $0 << 8 | Int(bytes[offset + (little ? count - 1 - $1 : $1)]) }
        }
        guard let directory = number(4, 4), let entries = number(directory, 2) else { return nil }
        for entry in 0..<entries {
            let offset = directory + 2 + 12 * entry
            guard let tag = number(offset, 2) else { return nil }
            if tag == 0x0112 { return number(offset + 8, 2).flatMap(Orientation.init(rawValue:)) }
        }
        return nil
    }
}

extension Image {
    /// The picture turned upright. `fullSize` is that of the result.
    func applying(_ orientation: Orientation, fullSize: ImageSize) -> Image {
        guard orientation != .up else { return Image(size: size, pixels: pixels, fullSize: fullSize) }
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
        return Image(size: target, pixels: turned, fullSize: fullSize)
    }
}
