import Imaging

/// The preprocessing defaults of a family, used where no file next to the model overrides them.
struct InputDefaults: Sendable {
    var resize = ModelSettings.Resize.letterbox
    var padding = Padding.byte(114)
    var scaling = Normalization.unit
    var resampling = Resampling.bilinearFixedPoint
    var shortestEdge = 800
    var longestEdge = 1333
    /// The sides of an input with a dynamic shape are multiples of this number.
    var divisor: Int?
    var rounding = ModelSettings.SideRounding.halfToEven
    /// Whether a package of Roboflow's is stretched to the input by Pillow's filter, after the resize of the training's images.
    var stretchesPackages = false

    /// ImageNet's mean and deviation on values in 0...1.
    static let imageNet = Normalization(mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])
}

/// The one image input of a network: its name, how its numbers lie, and which sizes it takes.
struct NetworkInput: Sendable {
    /// How the numbers of an image lie in the tensor.
    private enum Layout { case batchPlanes, batchPixels, planes }

    let name: String
    private let layout: Layout
    private let geometry: InputGeometry
    /// The first of two resizes, before the image is stretched to the input; `nil` if there is only one.
    private let firstGeometry: InputGeometry?
    private let padding: Padding
    private let scaling: Normalization
    private let resampling: Resampling
    private let steps: [ImageStep]
    /// Images that the graph takes at once; all of them are the same one.
    let batch: Int
    /// Whether a smaller image of the same content would not do: a contrast step looks at every pixel.
    let needsEveryPixel: Bool

    /// Reads the only input: `[batch, 3, height, width]`, `[batch, height, width, 3]` or `[3, height, width]`, of floats or bytes.
    init(
        _ model: ModelDescription, _ configuration: ModelConfiguration, usesSquareInput: Bool,
        defaults: InputDefaults = InputDefaults()
    ) throws {
        guard model.inputs.count == 1, let input = model.inputs.first else {
            throw SegmentationError.invalidConfiguration(
                "The model has \(model.inputs.count) inputs; expected one, an image. Found: \(model.summary)")
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
            throw SegmentationError.invalidConfiguration("The input is \(input), which has no room for an image.")
        }
        let package = settings.resize == nil ? settings.package : nil
        let isTwoStep = package != nil && defaults.stretchesPackages
        firstGeometry = isTwoStep ? package?.firstResize : nil
        geometry = Self.geometry(configuration, defaults, width, height, square: usesSquareInput)
        try Self.requireMemory(batch, geometry.largest, input)
        if let first = firstGeometry?.largest, 3 * first.area > ModelLimits.inputElements {
            throw SegmentationError.invalidConfiguration(
                "Images are brought to \(first) before they are stretched to the input, which has \(3 * first.area) numbers; at most "
                    + "\(ModelLimits.inputElements) are accepted. Use a smaller 'dataset_version_resize_dimensions'.")
        }
        padding = (settings.padValue ?? package?.resize.padding).map(Padding.byte) ?? defaults.padding
        scaling = Self.scaling(settings, defaults, isBytes: input.elementType == .uint8)
        resampling =
            settings.antialias.map { $0 ? .bilinearAntialiased : .bilinearFixedPoint }
            ?? package.map { _ in isTwoStep ? .bilinearAntialiased : .bilinearFixedPoint } ?? defaults.resampling
        steps = (settings.steps ?? []) + (settings.color == .gray ? [.grayscale] : [])
        needsEveryPixel = steps.contains { step in
            switch step {
            case .contrast, .colorContrast: true
            case .crop, .grayscale: false
            }
        }
    }

    /// Where images go.
    /// - Parameters:
    ///   - width: of the input; `nil` where it is free.
    ///   - height: of the input; `nil` where it is free.
    private static func geometry(
        _ configuration: ModelConfiguration, _ defaults: InputDefaults, _ width: Int?, _ height: Int?, square: Bool
    ) -> InputGeometry {
        let settings = configuration.settings
        let package = settings.resize == nil ? settings.package : nil
        let multiple = settings.divisor ?? defaults.divisor ?? configuration.stride
        let wanted =
            settings.resize ?? package.map { defaults.stretchesPackages ? .stretch : $0.resize.0 } ?? defaults.resize
        let isFree = width == nil && height == nil
        let edges = (settings.shortestEdge ?? defaults.shortestEdge, settings.longestEdge ?? defaults.longestEdge)
        let rounding = package != nil ? .truncated : settings.sideRounding ?? defaults.rounding
        if isFree && (wanted == .none || wanted == .shortestEdge) {
            return InputGeometry(
                box: nil, resize: wanted, rounding: rounding, divisor: wanted == .none ? 1 : multiple,
                stretchesToDivisor: settings.stretchesToDivisor ?? false, edges: edges)
        }
        let standard = settings.inputSize ?? configuration.inputSize ?? ImageSize(width: 640, height: 640)
        let takesSmaller = isFree && wanted == .letterbox && !square && package == nil
        return InputGeometry(
            box: ImageSize(
                width: width ?? standard.width.rounded(upTo: multiple),
                height: height ?? standard.height.rounded(upTo: multiple)),
            // A graph that resizes itself but was exported with a fixed size, or one whose size is fixed.
            resize: wanted == .none || wanted == .shortestEdge ? .letterboxTopLeft : wanted,
            rounding: rounding, divisor: takesSmaller ? multiple : nil, stretchesToDivisor: false, edges: edges)
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

    private static func scaling(_ settings: ModelSettings, _ defaults: InputDefaults, isBytes: Bool) -> Normalization {
        let standard = defaults.scaling
        // Bytes go in as they are; whatever is done to them is in the graph.
        var scaling = isBytes ? Normalization(divisor: 1, swapsRedAndBlue: standard.swapsRedAndBlue) : standard
        if !isBytes {
            if let scale = settings.scale { scaling.divisor = scale }
            // Such families bring bytes to 0...1 themselves before they normalize.
            if defaults.stretchesPackages, let package = settings.package, package.isNormalized {
                scaling.divisor = 255
            }
            if let mean = settings.mean { scaling.mean = mean }
            if let deviation = settings.std { scaling.standardDeviation = deviation }
        }
        // Mean and deviation are in the order of the image's channels here and in that of the network's in files.
        if let color = settings.color { scaling.swapsRedAndBlue = color == .bgr }
        if scaling.swapsRedAndBlue && !isBytes {
            if settings.mean != nil { scaling.mean.reverse() }
            if settings.std != nil { scaling.standardDeviation.reverse() }
        }
        return scaling
    }

    /// Where an image goes. Of two steps it is the place after the first: what such families answer is relative to that.
    func transform(for imageSize: ImageSize) -> ImageTransform {
        let part = steps.kept(of: imageSize)
        let transform = (firstGeometry ?? geometry).transform(for: part.size)
        return part.size == imageSize ? transform : transform.within(imageSize, x: part.x, y: part.y)
    }

    private func repeated(_ picture: [Float]) -> [Float] {
        batch == 1 ? picture : Array(repeatElement(picture, count: batch).joined())
    }

    /// The network's input for an image.
    func input(_ image: RasterImage) -> ModelInput {
        let transform = transform(for: image.originalSize)
        let size = firstGeometry == nil ? transform.networkSize : geometry.largest
        let planes = planes(image, transform)
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

extension NetworkInput {
    /// The numbers of an image, plane by plane.
    private func planes(_ image: RasterImage, _ transform: ImageTransform) -> [Float] {
        let prepared = image.applying(steps)
        let place = (firstGeometry ?? geometry).transform(for: prepared.size)
        // A crop within the image, in its own pixels.
        let part = place.crop.size == prepared.size ? prepared : prepared.cropped(to: place.crop)
        guard firstGeometry != nil else {
            return part.planarFloats(transform: transform, padding: padding, scaling: scaling, resampling: resampling)
        }
        let first = part.placed(transform: transform, padding: padding)
        return first.planarFloats(
            transform: geometry.transform(for: first.size), padding: padding, scaling: scaling, resampling: resampling)
    }
}

extension RasterImage {
    /// The image after the steps that come before resizing.
    fileprivate func applying(_ steps: [ImageStep]) -> RasterImage {
        steps.reduce(self) { image, step in
            switch step {
            case .crop:
                let part = [step].kept(of: image.size)
                return image.cropped(to: ImageRegion(x: part.x, y: part.y, size: part.size))
            case .grayscale: return image.grayscale()
            case .contrast(.stretching), .colorContrast(.stretching): return image.stretched()
            case .contrast(.histogram): return image.equalized()
            case .contrast(.adaptive): return image.adaptivelyEqualized()
            case .colorContrast(.histogram): return image.colorEqualized()
            case .colorContrast(.adaptive): return image.colorAdaptivelyEqualized()
            }
        }
    }

    /// The image resized by OpenCV's arithmetic and padded, as an image.
    fileprivate func placed(transform: ImageTransform, padding: Padding) -> RasterImage {
        let scaling = Normalization(divisor: 1)
        let planes = planarFloats(
            transform: transform, padding: padding, scaling: scaling, resampling: .bilinearFixedPoint)
        let size = transform.networkSize
        var bytes = [UInt8](repeating: 0, count: 3 * size.area)
        for channel in 0..<3 {
            for i in 0..<size.area { bytes[3 * i + channel] = UInt8(min(max(planes[channel * size.area + i], 0), 255)) }
        }
        return RasterImage(size: size, pixels: bytes)
    }
}
