import Imaging

/// One channel of a decoded image.
struct PicturePlane<Sample: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    var size: ImageSize
    /// Rows from the top, `size.area` numbers.
    var samples: [Sample]
}

/// How a color is to be computed from Y, Cb and Cr, by the numbers of ITU-T H.273.
struct ColorSignal: Equatable, Sendable {
    var primaries: Int
    var matrix: Int
    /// Whether all numbers of the depth are used.
    var isFullRange: Bool
}

/// A decoded image in the planes that its codec stores: Y, Cb and Cr, or Y alone.
///
/// Turning, mirroring and cropping work on planes whose chroma is of lower resolution, as libheif does it, and double the chroma first
/// only where its samples would come to lie elsewhere.
///
/// Source: libheif 1.23, `libheif/image/pixelimage.cc` (`rotate_ccw`, `mirror_inplace`, `crop`).
struct PlanarPicture<Sample: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    /// The resolution of Cb and Cr.
    enum Chroma: Sendable {
        case none, halfBoth, halfWidth, full

        /// The size of a plane of Cb or Cr.
        func size(for size: ImageSize) -> ImageSize {
            ImageSize(
                width: self == .full ? size.width : (size.width + 1) / 2,
                height: self == .halfBoth ? (size.height + 1) / 2 : size.height)
        }
    }

    var planes: [PicturePlane<Sample>]
    var chroma: Chroma
    let bits: Int
    var signal: ColorSignal

    var size: ImageSize { planes[0].size }

    /// Turns the image to the left by quarters of a turn.
    mutating func turn(quarters: Int) {
        let hasOddWidth = size.width % 2 != 0, hasOddHeight = size.height % 2 != 0
        switch (chroma, quarters) {
        case (.halfWidth, 1), (.halfWidth, 3): upsample()
        case (.halfWidth, 2) where hasOddHeight: upsample()
        case (.halfBoth, 1) where hasOddWidth: upsample()
        case (.halfBoth, 2) where hasOddWidth || hasOddHeight: upsample()
        case (.halfBoth, 3) where hasOddHeight: upsample()
        default: break
        }
        guard (1...3).contains(quarters) else { return }
        for index in planes.indices { planes[index].turn(quarters: quarters) }
    }

    /// Mirrors the image: left and right change places, or top and bottom.
    mutating func mirror(leftAndRight: Bool) {
        let hasOddWidth = size.width % 2 != 0, hasOddHeight = size.height % 2 != 0
        switch chroma {
        case .halfWidth where leftAndRight && hasOddWidth: upsample()
        case .halfBoth where hasOddWidth || hasOddHeight: upsample()
        default: break
        }
        for index in planes.indices { planes[index].mirror(leftAndRight: leftAndRight) }
    }

    /// Cuts a part out, whose right column and bottom row are the last that stay. They must lie within the image.
    mutating func crop(left: Int, top: Int, right: Int, bottom: Int) {
        let isOdd = chroma == .halfBoth ? (left | top) % 2 != 0 : chroma == .halfWidth && left % 2 != 0
        if isOdd { upsample() }
        for index in planes.indices {
            let isHalfWide = index > 0 && (chroma == .halfBoth || chroma == .halfWidth)
            let (across, down) = (isHalfWide ? 2 : 1, index > 0 && chroma == .halfBoth ? 2 : 1)
            planes[index].crop(
                left: left / across, top: top / down, right: right / across, bottom: bottom / down)
        }
    }

    /// Gives Cb and Cr the resolution of Y, by the triangle filter.
    mutating func upsample() {
        guard chroma == .halfBoth || chroma == .halfWidth else { return }
        for index in 1..<planes.count {
            planes[index] = planes[index].doubled(to: size, inBoth: chroma == .halfBoth)
        }
        chroma = .full
    }
}

extension PicturePlane {
    fileprivate mutating func turn(quarters: Int) {
        let (w, h) = (size.width, size.height)
        let target = quarters == 2 ? size : size.transposed
        // Where the first sample comes from, and how far a step in x and in y goes.
        let (start, stepX, stepY) =
            switch quarters {
            case 1: (w - 1, w, -1)
            case 2: (w * h - 1, -1, -w)
            default: ((h - 1) * w, -w, 1)
            }
        let turned = [Sample](unsafeUninitializedCapacity: target.area) { output, count in
            samples.withUnsafeBufferPointer { input in
                guard let source = input.baseAddress, let base = output.baseAddress else { return }
                for y in 0..<target.height {
                    var at = start + y * stepY
                    let row = base + y * target.width
                    for x in 0..<target.width {
                        row[x] = source[at]
                        at += stepX
                    }
                }
            }
            count = target.area
        }
        self = PicturePlane(size: target, samples: turned)
    }

    fileprivate mutating func mirror(leftAndRight: Bool) {
        let (w, h) = (size.width, size.height)
        samples.withUnsafeMutableBufferPointer { samples in
            if leftAndRight {
                for y in 0..<h { for x in 0..<w / 2 { samples.swapAt(y * w + x, y * w + w - 1 - x) } }
            } else {
                for y in 0..<h / 2 { for x in 0..<w { samples.swapAt(y * w + x, (h - 1 - y) * w + x) } }
            }
        }
    }

    fileprivate mutating func crop(left: Int, top: Int, right: Int, bottom: Int) {
        let target = ImageSize(width: right - left + 1, height: bottom - top + 1)
        let cut = [Sample](unsafeUninitializedCapacity: target.area) { output, count in
            samples.withUnsafeBufferPointer { input in
                guard let source = input.baseAddress, let base = output.baseAddress else { return }
                for y in 0..<target.height {
                    (base + y * target.width).initialize(
                        from: source + (top + y) * size.width + left, count: target.width)
                }
            }
            count = target.area
        }
        self = PicturePlane(size: target, samples: cut)
    }

    /// The plane in the image's size: three quarters of the nearest sample and a quarter of the next.
    ///
    /// Source: libheif 1.23, `libheif/color-conversion/chroma_sampling.cc` (`Op_YCbCr420_bilinear_to_YCbCr444` and its relative).
    fileprivate func doubled(to target: ImageSize, inBoth: Bool) -> PicturePlane {
        let output = [Sample](unsafeUninitializedCapacity: target.area) { output, count in
            samples.withUnsafeBufferPointer { input in
                for y in 0..<target.height {
                    let (near, far) = inBoth ? Self.neighbors(y, size.height) : (y, y)
                    for x in 0..<target.width {
                        let (a, b) = Self.neighbors(x, size.width)
                        let top = (Int(input[near * size.width + a]), Int(input[near * size.width + b]))
                        let bottom = (Int(input[far * size.width + a]), Int(input[far * size.width + b]))
                        let value =
                            near == far
                            ? (3 * top.0 + top.1 + 2) / 4
                            : a == b
                                ? (3 * top.0 + bottom.0 + 2) / 4
                                : (9 * top.0 + 3 * top.1 + 3 * bottom.0 + bottom.1 + 8) / 16
                        output[y * target.width + x] = Sample(truncatingIfNeeded: value)
                    }
                }
            }
            count = target.area
        }
        return PicturePlane(size: target, samples: output)
    }

    /// The sample that a place lies in, and its next neighbor; the same at an edge.
    @inline(__always)
    private static func neighbors(_ place: Int, _ count: Int) -> (near: Int, far: Int) {
        let near = place / 2
        return (near, min(max(place % 2 == 0 ? near - 1 : near + 1, 0), count - 1))
    }
}
