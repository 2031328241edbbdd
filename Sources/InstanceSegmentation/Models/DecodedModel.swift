import Imaging

/// A model of a family: its input, its classes, and the family's way to read its outputs. Everything that families share happens
/// here once: names, thresholds, suppression, the class filter, and dropping what has no pixels.
struct DecodedModel<Decoder: OutputDecoder>: SegmentationModel {
    let family: ModelFamily
    let decoder: Decoder
    let recommendedConfidence: Float
    var recommendedIoU: Double? { settings.iou ?? decoder.recommendedIoU }
    let remarks: [String]
    private let input: NetworkInput
    private let classes: ClassMap
    private let settings: ModelSettings

    init(
        _ family: ModelFamily, _ decoder: Decoder, input: NetworkInput, classes: ClassMap,
        _ configuration: ModelConfiguration
    ) {
        self.family = family
        self.decoder = decoder
        self.input = input
        self.classes = classes
        settings = configuration.settings
        remarks = configuration.remarks + classes.remarks
        recommendedConfidence = configuration.settings.confidence ?? decoder.recommendedConfidence
    }

    var classNames: [String] { classes.names }

    var needsEveryPixel: Bool { input.needsEveryPixel }

    func transform(for imageSize: ImageSize) -> ImageTransform { input.transform(for: imageSize) }

    func preprocess(_ image: RasterImage) throws -> ModelInput { input.input(image) }

    func postprocess(
        _ result: InferenceResult, transform: ImageTransform, options: PredictionOptions
    ) throws -> [Detection] {
        try decode(result, transform: transform, options: options).detections
    }

    func decode(
        _ result: InferenceResult, transform: ImageTransform, options: PredictionOptions
    ) throws -> DecodedDetections {
        try result.checkLimits()
        let result = input.batch == 1 ? result : result.firstOfBatch(input.batch)
        let proposed = try decoder.candidates(in: result, transform: transform, confidence: options.confidenceThreshold)
        // NaN reaches no threshold, so that a network that gives nothing else proposes nothing.
        var nonFinite = proposed.isEmpty && result.hasNaN ? 1 : 0
        let found = proposed.filter { candidate in
            guard candidate.isFinite else {
                nonFinite += 1
                return false
            }
            return classes[candidate.outputClass] != nil
        }
        let most = max(min(options.maxDetections, settings.maxDetections ?? .max), 0)
        // The model's own settings may ask for less than its family's least.
        let least = min(settings.iou ?? 1, decoder.leastOverlap)
        let kept = nonMaximumSuppression(
            found, metric: measure, threshold: max(options.iouThreshold, least),
            isClassAgnostic: options.isClassAgnostic || settings.isClassAgnostic ?? decoder.isClassAgnostic,
            maxCount: most)
        let masks = try decoder.masks(in: result, transform: transform, resolution: options.maskResolution)
        let detections = try kept.compactMap { candidate -> Detection? in
            try Task.checkCancellation()
            guard let (id, name) = classes[candidate.outputClass], options.classes?.contains(name) ?? true else {
                return nil
            }
            let mask = masks.mask(of: candidate)
            guard !mask.isEmpty else { return nil }
            // A family without boxes has those of its masks.
            guard let own = candidate.hasBox ? transform.imageBox(candidate.box) : mask.bounds else { return nil }
            let box = decoder.reportedBox(own, in: transform.imageSize)
            // Rounding in 8 or 16 bits reaches a little beyond 1; what applies no sigmoid reaches anywhere.
            let confidence = min(max(candidate.confidence, 0), 1)
            return Detection(classID: id, className: name, confidence: confidence, box: box, mask: mask)
        }
        return DecodedDetections(detections: detections, nonFiniteCount: nonFinite)
    }

    private var measure: OverlapMetric? {
        guard decoder.requiresNMS else { return nil }
        switch settings.suppression ?? .iou {
        case .iou: return .iou
        case .roboflow: return .ios
        case .none: return nil
        }
    }
}

extension InferenceResult {
    /// The outputs for the first of the images that a graph takes at once.
    fileprivate func firstOfBatch(_ batch: Int) -> InferenceResult {
        let first = outputs.mapValues { tensor in
            guard tensor.shape.first == batch else { return tensor }
            let elements = tensor.withElements { Array($0.prefix(tensor.count / batch)) }
            return Tensor(shape: [1] + tensor.shape.dropFirst(), elements: elements)
        }
        return InferenceResult(outputs: first, queueDuration: queueDuration, inferenceDuration: inferenceDuration)
    }
}

/// How a family's outputs are read.
protocol OutputDecoder: Sendable {
    associatedtype Masks: InstanceMasks
    /// The confidence threshold that the family's authors recommend.
    var recommendedConfidence: Float { get }
    /// The overlap threshold that the family's authors recommend; `nil` for the default.
    var recommendedIoU: Double? { get }
    /// Whether boxes of one object may come several times.
    var requiresNMS: Bool { get }
    /// The least overlap at which objects suppress each other. Requests that ask for less get this, unless the model's settings
    /// name less.
    var leastOverlap: Double { get }
    /// Whether boxes of different classes suppress one another in the family's own code.
    var isClassAgnostic: Bool { get }
    /// The objects whose confidence is at least that, in network pixels; `classID` is the slot. Confidences and boxes may be infinite, and
    /// boxes NaN: such objects are dropped and counted by `DecodedModel`.
    func candidates(
        in result: InferenceResult, transform: ImageTransform, confidence: Float
    ) throws -> [Candidate]
    /// What makes the masks of candidates.
    func masks(
        in result: InferenceResult, transform: ImageTransform, resolution: MaskResolution
    ) throws -> Masks
    /// The box that is answered for one of the network; masks do not follow it.
    func reportedBox(_ box: BoundingBox, in imageSize: ImageSize) -> BoundingBox
}

extension OutputDecoder {
    var recommendedIoU: Double? { nil }

    var isClassAgnostic: Bool { false }

    var leastOverlap: Double { 0 }

    func reportedBox(_ box: BoundingBox, in imageSize: ImageSize) -> BoundingBox { box }
}

/// Makes the masks of candidates.
protocol InstanceMasks {
    func mask(of candidate: Candidate) -> Mask
}

extension ImageTransform {
    /// A box of the network in image pixels, clipped to the part of the image that the network saw.
    func imageBox(_ box: BoundingBox) -> BoundingBox {
        let (left, top) = (Double(crop.x), Double(crop.y))
        let (right, bottom) = (left + Double(crop.size.width), top + Double(crop.size.height))
        return BoundingBox(
            x1: min(max(imageX(box.x1), left), right), y1: min(max(imageY(box.y1), top), bottom),
            x2: min(max(imageX(box.x2), left), right), y2: min(max(imageY(box.y2), top), bottom))
    }
}
