import Imaging

/// The one picture input of a network: its name and which sizes it takes.
struct NetworkInput: Sendable {
    let name: String
    /// The size that a picture is letterboxed into.
    let box: ImageSize
    /// Sides must be multiples of it; `nil` where the size is fixed.
    let stride: Int?

    /// Reads the only input, which must be `[batch, 3, height, width]` of 32-bit floats.
    init(_ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool) throws {
        guard model.inputs.count == 1, let input = model.inputs.first else {
            throw SegmentationError.invalidConfiguration(
                "The model has \(model.inputs.count) inputs; expected one, a picture. Found: \(model.summary)")
        }
        guard input.elementType == .float32, input.shape.count == 4, [3, nil].contains(input.shape[1].length) else {
            throw SegmentationError.invalidConfiguration(
                "The input is \(input); expected float32 [batch, 3, height, width].")
        }
        guard [1, nil].contains(input.shape[0].length) else {
            throw SegmentationError.invalidConfiguration(
                "The input is \(input): its batch is fixed at \(input.shape[0]); expected 1 or a free one.")
        }
        name = input.name
        let standard = configuration.inputSize ?? ImageSize(width: 640, height: 640)
        let (height, width) = (input.shape[2].length, input.shape[3].length)
        guard (width ?? 1) > 0, (height ?? 1) > 0 else {
            throw SegmentationError.invalidConfiguration("The input is \(input), which has no room for a picture.")
        }
        let multiple = configuration.stride
        func padded(_ side: Int) -> Int { (side + multiple - 1) / multiple * multiple }
        box = ImageSize(width: width ?? padded(standard.width), height: height ?? padded(standard.height))
        stride = width == nil && height == nil && !usesSquareInput ? multiple : nil
    }

    /// Where a picture goes: centred in the fixed size, or in the smallest rectangle that the network takes.
    func letterbox(_ imageSize: ImageSize) -> ImageTransform {
        let size = stride.map { ResizeMode.smallestRectangle(for: imageSize, in: box, stride: $0) } ?? box
        // The picture keeps the size that it has in the full box, only the bars become smaller.
        return ImageTransform(centering: ResizeMode.letterboxed(imageSize, into: box), of: imageSize, in: size)
    }
}
