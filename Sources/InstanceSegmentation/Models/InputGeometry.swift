import Imaging

/// Where images go in a network's input: sizes and places, without pixels.
struct InputGeometry: Sendable {
    /// The size that an image is brought into; `nil` where each image has its own.
    let box: ImageSize?
    let resize: ModelSettings.Resize
    let rounding: ModelSettings.SideRounding
    /// Sides must be multiples of it; `nil` where the size is fixed.
    let divisor: Int?
    /// Whether images are resized to multiples of the divisor rather than padded to them.
    let stretchesToDivisor: Bool
    /// The lengths that the sides of an image are brought to where each image has its own size.
    let edges: (short: Int, long: Int)

    /// The largest size that an image of any size is brought to.
    var largest: ImageSize {
        if let box { return box }
        let multiple = divisor ?? 1
        let short = resize == .none ? edges.long : min(edges.short, edges.long)
        return ImageSize(width: edges.long.rounded(upTo: multiple), height: short.rounded(upTo: multiple))
    }

    /// Where an image of that size goes.
    func transform(for size: ImageSize) -> ImageTransform {
        guard let box else { return freeTransform(size) }
        switch resize {
        case .letterbox where rounding == .truncated:
            let resized = fitted(size, into: box)
            return ImageTransform(
                imageSize: size, networkSize: box, resizedSize: resized,
                left: (box.width - resized.width) / 2, top: (box.height - resized.height) / 2)
        case .letterbox:
            // The image keeps the size that it has in the full box, only the bars become smaller.
            let resized = fitted(size, into: box)
            let network = divisor.map {
                ImageSize(width: resized.width.rounded(upTo: $0), height: resized.height.rounded(upTo: $0))
            }
            return ImageTransform(centering: resized, of: size, in: network ?? box)
        case .stretch:
            return ResizeMode.stretch.transform(imageSize: size, networkSize: box)
        case .centerCrop:
            return Self.centered(size, in: box)
        case .letterboxTopLeft, .shortestEdge, .none:
            return ImageTransform(
                imageSize: size, networkSize: box, resizedSize: fitted(size, into: box), left: 0, top: 0)
        }
    }

    /// The middle of an image in its own pixels; of an odd difference the smaller part is left and above.
    private static func centered(_ size: ImageSize, in box: ImageSize) -> ImageTransform {
        let part = ImageSize(width: min(size.width, box.width), height: min(size.height, box.height))
        return ImageTransform(
            imageSize: size,
            crop: ImageRegion(x: (size.width - part.width) / 2, y: (size.height - part.height) / 2, size: part),
            networkSize: box, resizedSize: part, left: (box.width - part.width) / 2,
            top: (box.height - part.height) / 2)
    }

    /// The size of an image enlarged or reduced until it just fits.
    private func fitted(_ size: ImageSize, into box: ImageSize) -> ImageSize {
        let (width, height) = (Double(size.width), Double(size.height))
        let ratio = min(Double(box.width) / width, Double(box.height) / height)
        func clamped(_ width: Int, _ height: Int) -> ImageSize {
            ImageSize(width: min(max(width, 1), box.width), height: min(max(height, 1), box.height))
        }
        switch rounding {
        case .halfToEven: return ResizeMode.letterboxed(size, into: box)
        case .halfUp: return clamped(Int(width * ratio + 0.5), Int(height * ratio + 0.5))
        case .truncated: return clamped(Int(width * ratio), Int(height * ratio))
        case .transformers:
            guard box.width == box.height else { return ResizeMode.letterboxed(size, into: box) }
            let resized = Self.withAspectRatio(size, short: box.width, long: box.width)
            return clamped(resized.width, resized.height)
        }
    }

    /// A network that takes any size: the image as it is, or with its sides brought to the wanted lengths. Enormous images are
    /// reduced, since such networks give a whole mask for each object.
    private func freeTransform(_ size: ImageSize) -> ImageTransform {
        let (short, long) = (min(size.width, size.height), max(size.width, size.height))
        let ratio =
            resize == .none
            ? min(1, Double(edges.long) / Double(long))
            : min(Double(edges.short) / Double(short), Double(edges.long) / Double(long))
        func side(_ length: Int) -> Int {
            let exact = Double(length) * ratio
            return max(Int(rounding == .halfUp ? (exact + 0.5).rounded(.down) : exact.rounded(.toNearestOrEven)), 1)
        }
        var resized = ImageSize(width: side(size.width), height: side(size.height))
        if rounding == .transformers, resize == .shortestEdge {
            resized = Self.withAspectRatio(size, short: edges.short, long: edges.long)
        }
        let multiple = divisor ?? 1
        let network = ImageSize(
            width: resized.width.rounded(upTo: multiple), height: resized.height.rounded(upTo: multiple))
        return ImageTransform(
            imageSize: size, networkSize: network, resizedSize: stretchesToDivisor ? network : resized, left: 0, top: 0)
    }

    /// The size whose shorter side has a length, or whose longer side has another, whichever is smaller.
    ///
    /// Source: transformers, `image_transforms.py`, `get_size_with_aspect_ratio`.
    private static func withAspectRatio(_ size: ImageSize, short: Int, long: Int) -> ImageSize {
        let (width, height) = (Double(size.width), Double(size.height))
        let (least, most) = (min(width, height), max(width, height))
        var (exact, whole) = (Double(short), short)
        if most / least * Double(short) > Double(long) {
            exact = Double(long) * least / most
            whole = Int(exact.rounded(.toNearestOrEven))
        }
        whole = max(whole, 1)
        if size.width == size.height || min(size.width, size.height) == whole {
            return size.width == size.height ? ImageSize(width: whole, height: whole) : size
        }
        return size.width < size.height
            ? ImageSize(width: whole, height: max(Int(exact * height / width), 1))
            : ImageSize(width: max(Int(exact * width / height), 1), height: whole)
    }
}

extension Int {
    /// The next multiple of a positive number that is not smaller.
    func rounded(upTo multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
}
