import Imaging

/// How a family wants its pictures where no file beside the model says otherwise.
struct InputDefaults: Sendable {
    var resize = ModelSettings.Resize.letterbox
    var padding = Padding.byte(114)
    var scaling = PixelScaling.unit
    var resampling = Resampling.bytes
    var shortestEdge = 800
    var longestEdge = 1333
    /// Sides of an input of free shape are multiples of it.
    var divisor: Int?

    /// ImageNet's mean and deviation on values in 0...1.
    static let imageNet = PixelScaling(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
}

/// The one picture input of a network: its name, how its numbers lie, and which sizes it takes.
struct NetworkInput: Sendable {
    /// How the numbers of a picture lie in the tensor.
    private enum Layout { case batchPlanes, batchPixels, planes }

    let name: String
    private let layout: Layout
    /// The size that a picture is brought into; `nil` where each picture has its own.
    private let box: ImageSize?
    private let resize: ModelSettings.Resize
    /// Sides must be multiples of it; `nil` where the size is fixed.
    private let divisor: Int?
    private let edges: (short: Int, long: Int)
    private let padding: Padding
    private let scaling: PixelScaling
    private let resampling: Resampling
    private let steps: [PictureStep]
    /// Pictures that the graph takes at once; all of them are the same one.
    let batch: Int

    /// Reads the only input: `[batch, 3, height, width]`, `[batch, height, width, 3]` or `[3, height, width]`, of floats or bytes.
    init(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool,
        defaults: InputDefaults = InputDefaults()
    ) throws {
        guard model.inputs.count == 1, let input = model.inputs.first else {
            throw SegmentationError.invalidConfiguration(
                "The model has \(model.inputs.count) inputs; expected one, a picture. Found: \(model.summary)")
        }
        let settings = configuration.settings
        let shape = input.shape.map(\.length)
        switch shape.count {
        case 4 where [3, nil].contains(shape[1]) && !(shape[1] == nil && shape[3] == 3): layout = .batchPlanes
        case 4 where shape[3] == 3: layout = .batchPixels
        case 3 where [3, nil].contains(shape[0]): layout = .planes
        default:
            throw SegmentationError.invalidConfiguration(
                "The input is \(input); expected [batch, 3, height, width], [batch, height, width, 3] or [3, height, width]."
            )
        }
        guard [.float32, .float16, .uint8].contains(input.elementType) else {
            throw SegmentationError.invalidConfiguration(
                "The input is \(input); expected numbers of type float32, float16 or uint8.")
        }
        batch = layout == .planes ? 1 : shape[0] ?? 1
        guard (1...64).contains(batch) else {
            throw SegmentationError.invalidConfiguration(
                "The input is \(input): its batch is fixed at \(input.shape[0]); expected 64 at most.")
        }
        name = input.name
        let (height, width) =
            switch layout {
            case .batchPlanes: (shape[2], shape[3])
            case .batchPixels, .planes: (shape[1], shape[2])
            }
        guard (width ?? 1) > 0, (height ?? 1) > 0 else {
            throw SegmentationError.invalidConfiguration("The input is \(input), which has no room for a picture.")
        }
        let multiple = settings.divisor ?? defaults.divisor ?? configuration.stride
        let wanted = settings.resize ?? defaults.resize
        let isFree = width == nil && height == nil
        edges = (settings.shortestEdge ?? defaults.shortestEdge, settings.longestEdge ?? defaults.longestEdge)
        if isFree && (wanted == .none || wanted == .shortestEdge) {
            (box, resize, divisor) = (nil, wanted, wanted == .none ? 1 : multiple)
        } else {
            let standard = settings.inputSize ?? configuration.inputSize ?? ImageSize(width: 640, height: 640)
            func padded(_ side: Int) -> Int { (side + multiple - 1) / multiple * multiple }
            box = ImageSize(width: width ?? padded(standard.width), height: height ?? padded(standard.height))
            // A graph that resizes itself but was exported with a fixed size, or one whose size is fixed.
            resize = wanted == .none || wanted == .shortestEdge ? .letterboxTopLeft : wanted
            divisor = isFree && wanted == .letterbox && !usesSquareInput ? multiple : nil
        }
        try Self.requireMemory(batch, box ?? Self.largest(edges, resize, divisor ?? 1), input)
        padding = settings.padValue.map(Padding.byte) ?? defaults.padding
        scaling = Self.scaling(settings, defaults.scaling, isBytes: input.elementType == .uint8)
        resampling = settings.antialias.map { $0 ? .antialiased : .bytes } ?? defaults.resampling
        steps = (settings.steps ?? []) + (settings.color == .gray ? [.grayscale] : [])
    }

    /// The largest size that an image of any size is brought to where each has its own.
    private static func largest(
        _ edges: (short: Int, long: Int), _ resize: ModelSettings.Resize, _ multiple: Int
    ) -> ImageSize {
        func padded(_ length: Int) -> Int { (length + multiple - 1) / multiple * multiple }
        let short = resize == .none ? edges.long : min(edges.short, edges.long)
        return ImageSize(width: padded(edges.long), height: padded(short))
    }

    /// Refuses an input that would take too much memory, before one is made.
    private static func requireMemory(_ batch: Int, _ size: ImageSize, _ input: TensorDescription) throws {
        let elements = batch * 3 * size.area
        guard elements > ModelLimits.inputElements else { return }
        throw SegmentationError.invalidConfiguration(
            "The input is \(input); for \(batch) x 3 x \(size.height) x \(size.width) it has \(elements) elements, and at most "
                + "\(ModelLimits.inputElements) are accepted. Use a smaller input size, or export the model with a smaller batch."
        )
    }

    private static func scaling(_ settings: ModelSettings, _ standard: PixelScaling, isBytes: Bool) -> PixelScaling {
        // Bytes go in as they are; whatever is done to them is in the graph.
        var scaling = isBytes ? PixelScaling(divisor: 1, swapsRedAndBlue: standard.swapsRedAndBlue) : standard
        if !isBytes {
            if let scale = settings.scale { scaling.divisor = scale }
            if let mean = settings.mean { scaling.mean = mean }
            if let deviation = settings.std { scaling.deviation = deviation }
        }
        // Mean and deviation are in the order of the picture's channels here and in that of the network's in files.
        if let color = settings.color { scaling.swapsRedAndBlue = color == .bgr }
        if scaling.swapsRedAndBlue && !isBytes {
            if settings.mean != nil { scaling.mean.reverse() }
            if settings.std != nil { scaling.deviation.reverse() }
        }
        return scaling
    }

    /// Where a picture goes.
    func transform(for imageSize: ImageSize) -> ImageTransform {
        let part = steps.kept(of: imageSize)
        let transform = transform(forPart: part.size)
        return part.size == imageSize ? transform : transform.within(imageSize, x: part.x, y: part.y)
    }

    private func transform(forPart size: ImageSize) -> ImageTransform {
        guard let box else { return freeTransform(size) }
        switch resize {
        case .letterbox:
            let network = divisor.map { ResizeMode.smallestRectangle(for: size, in: box, stride: $0) } ?? box
            // The picture keeps the size that it has in the full box, only the bars become smaller.
            return ImageTransform(centering: ResizeMode.letterboxed(size, into: box), of: size, in: network)
        case .stretch:
            return ResizeMode.stretch.transform(imageSize: size, networkSize: box)
        case .letterboxTopLeft, .shortestEdge, .none:
            return ImageTransform(
                imageSize: size, networkSize: box,
                resizedSize: ResizeMode.letterboxed(size, into: box),
                left: 0, top: 0)
        }
    }

    /// A network that takes any size: the picture as it is, or with its sides brought to the wanted lengths. Enormous pictures are
    /// reduced, since such networks give a whole mask for each object.
    private func freeTransform(_ size: ImageSize) -> ImageTransform {
        let (short, long) = (min(size.width, size.height), max(size.width, size.height))
        let ratio =
            resize == .none
            ? min(1, Double(edges.long) / Double(long))
            : min(Double(edges.short) / Double(short), Double(edges.long) / Double(long))
        func side(_ length: Int) -> Int { max(Int((Double(length) * ratio).rounded(.toNearestOrEven)), 1) }
        let resized = ImageSize(width: side(size.width), height: side(size.height))
        let multiple = divisor ?? 1
        func padded(_ length: Int) -> Int { (length + multiple - 1) / multiple * multiple }
        return ImageTransform(
            imageSize: size, networkSize: ImageSize(width: padded(resized.width), height: padded(resized.height)),
            resizedSize: resized, left: 0, top: 0)
    }

    private func repeated(_ picture: [Float]) -> [Float] {
        batch == 1 ? picture : Array(repeatElement(picture, count: batch).joined())
    }

    /// The network's input for a picture.
    func input(_ image: Image) -> ModelInput {
        let transform = transform(for: image.fullSize)
        let size = transform.networkSize
        let planes = image.applying(steps).planarFloats(
            transform: transform, padding: padding, scaling: scaling, resampling: resampling)
        let tensor =
            switch layout {
            case .batchPlanes:
                Tensor(shape: [batch, 3, size.height, size.width], elements: repeated(planes))
            case .planes: Tensor(shape: [3, size.height, size.width], elements: planes)
            case .batchPixels:
                Tensor(
                    shape: [batch, size.height, size.width, 3],
                    elements: repeated(
                        (0..<size.area).flatMap { [planes[$0], planes[size.area + $0], planes[2 * size.area + $0]] }))
            }
        return ModelInput(tensors: [name: tensor], transform: transform)
    }
}

extension Image {
    /// The picture after the steps that come before resizing.
    fileprivate func applying(_ steps: [PictureStep]) -> Image {
        steps.reduce(self) { image, step in
            switch step {
            case .crop:
                let part = [step].kept(of: image.size)
                return image.cropped(to: ImageRegion(x: part.x, y: part.y, size: part.size))
            case .grayscale: return image.grayscale()
            case .contrast(.stretching): return image.stretched()
            case .contrast(.histogram): return image.equalized()
            case .contrast(.adaptive): return image.adaptivelyEqualized()
            }
        }
    }
}
