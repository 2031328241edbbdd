/// A method of fitting an image to the shape of a network's input.
public enum ResizeMode: Hashable, Sendable {
    /// Keeps the aspect ratio and centers the image between bars, as Ultralytics' `LetterBox` does.
    case letterbox
    /// Scales width and height independently to fill the input.
    case stretch

    /// Returns the placement of an image of `imageSize` in an input of `networkSize`.
    public func transform(imageSize: ImageSize, networkSize: ImageSize) -> ImageTransform {
        switch self {
        case .stretch:
            return ImageTransform(
                imageSize: imageSize, networkSize: networkSize, resizedSize: networkSize, left: 0, top: 0)
        case .letterbox:
            return ImageTransform(
                centering: Self.letterboxed(imageSize, into: networkSize), of: imageSize, in: networkSize)
        }
    }

    /// Returns the largest size with the image's aspect ratio that fits a box, with sides rounded half to even.
    public static func letterboxed(_ imageSize: ImageSize, into box: ImageSize) -> ImageSize {
        let gain = min(Double(box.height) / Double(imageSize.height), Double(box.width) / Double(imageSize.width))
        func side(_ length: Int, _ limit: Int) -> Int {
            min(max(Int((Double(length) * gain).rounded(.toNearestOrEven)), 1), limit)
        }
        return ImageSize(width: side(imageSize.width, box.width), height: side(imageSize.height, box.height))
    }

    /// Returns the smallest input for an image: the letterboxed size with each side rounded up to a multiple of
    /// `stride`.
    public static func smallestRectangle(for imageSize: ImageSize, in box: ImageSize, stride: Int) -> ImageSize {
        let resized = letterboxed(imageSize, into: box)
        func padded(_ length: Int) -> Int { (length + stride - 1) / stride * stride }
        return ImageSize(width: padded(resized.width), height: padded(resized.height))
    }
}
