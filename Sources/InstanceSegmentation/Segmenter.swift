public import Imaging

/// From an image to its objects.
///
/// ```swift
/// let segmenter = try Segmenter(session: lane)
/// let found = try await segmenter.segment(photo)
/// found.detections.first?.className  // "dog"
/// ```
public struct Segmenter: Sendable {
    public let model: any SegmentationModel
    public let session: any InferenceSession

    /// Recognises the family of the session's model.
    /// - Parameter settings: what the files beside the model say.
    public init(
        session: any InferenceSession, settings: ModelSettings = ModelSettings(), usesSquareInput: Bool = false
    ) throws {
        self.init(
            model: try ModelFamily.model(
                for: session.modelDescription, settings: settings, usesSquareInput: usesSquareInput),
            session: session)
    }

    public init(model: any SegmentationModel, session: any InferenceSession) {
        self.model = model
        self.session = session
    }

    /// Segments an image: preprocess, infer and postprocess, each a stage of the result's timing.
    ///
    /// Cancellation takes effect between the stages.
    /// - Parameter alternatives: further options that the same network outputs are decoded with.
    /// - Throws: `SegmentationError`, the backend's error, or `CancellationError`.
    public func segment(
        _ image: RasterImage, options: PredictionOptions = PredictionOptions(), alternatives: [PredictionOptions] = []
    ) async throws -> Segmentation {
        let clock = ContinuousClock()
        let start = clock.now
        let input = try model.preprocess(image)
        let preprocessed = clock.now
        try Task.checkCancellation()
        let result = try await session.infer(input.tensors)
        let inferred = clock.now
        try Task.checkCancellation()
        let decoded = try model.decode(result, transform: input.transform, options: options)
        let others = try alternatives.map { try model.postprocess(result, transform: input.transform, options: $0) }
        return Segmentation(
            imageSize: image.originalSize, detections: decoded.detections, alternatives: others,
            nonFiniteCount: decoded.nonFiniteCount,
            timing: StageTiming(
                queue: result.queueDuration, preprocess: preprocessed - start, inference: result.inferenceDuration,
                postprocess: clock.now - inferred))
    }
}

/// The objects of one image.
public struct Segmentation: Sendable {
    public let imageSize: ImageSize
    /// Most confident first.
    public let detections: [Detection]
    /// The objects for each of the query's alternative options, in their order.
    public let alternatives: [[Detection]]
    /// Objects that were dropped because their confidence or box is infinite or NaN; 1 where nothing was found and the network's outputs
    /// hold NaN. A sound model never has any: the cause is a wrong `scale`, `mean` or `std`, or an overflow in half precision.
    public let nonFiniteCount: Int
    public var timing: StageTiming
    /// The outlines of the detections in image pixels, in their order, where they were traced; `nil` for a mask that has none.
    public private(set) var outlines: [Polygon?]?

    public init(
        imageSize: ImageSize, detections: [Detection], alternatives: [[Detection]] = [], nonFiniteCount: Int = 0,
        timing: StageTiming
    ) {
        self.imageSize = imageSize
        self.detections = detections
        self.alternatives = alternatives
        self.nonFiniteCount = nonFiniteCount
        self.timing = timing
    }

    /// Traces the outline of every detection, and adds the time to `timing.outlines`.
    /// - Parameter simplification: how far outlines with fewer points may be from the mask's, in pixels; `nil` keeps every point.
    public mutating func traceOutlines(simplification: Double? = nil) {
        let clock = ContinuousClock()
        let start = clock.now
        outlines = detections.map { detection in
            if let simplification { return detection.mask.hostedOutline(in: imageSize, tolerance: simplification) }
            return detection.mask.hostedOutline(in: imageSize)
        }
        timing.outlines += clock.now - start
    }
}

/// How long the stages of a prediction took.
public struct StageTiming: Sendable {
    /// From file to pixels.
    public var decode: Duration = .zero
    /// Waiting for a turn.
    public var queue: Duration
    /// From pixels to tensor.
    public var preprocess: Duration
    /// In the network.
    public var inference: Duration
    /// From tensors to masks.
    public var postprocess: Duration
    /// From masks to polygons.
    public var outlines: Duration = .zero

    public init(
        decode: Duration = .zero, queue: Duration = .zero, preprocess: Duration = .zero, inference: Duration = .zero,
        postprocess: Duration = .zero
    ) {
        self.decode = decode
        self.queue = queue
        self.preprocess = preprocess
        self.inference = inference
        self.postprocess = postprocess
    }

    /// The stages by name, in their order.
    public var stages: [(name: String, duration: Duration)] {
        [
            ("decode", decode), ("queue", queue), ("preprocess", preprocess), ("inference", inference),
            ("postprocess", postprocess), ("outlines", outlines),
        ]
    }

    /// Everything but the waiting.
    public var total: Duration { decode + preprocess + inference + postprocess + outlines }
}
