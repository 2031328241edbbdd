public import Imaging

/// Segments images with a loaded model.
///
/// ```swift
/// let segmenter = try Segmenter(session: lane)
/// let found = try await segmenter.segment(photo)
/// found.detections.first?.className  // "dog"
/// ```
public struct Segmenter: Sendable {
    public let model: any SegmentationModel
    public let session: any InferenceSession

    /// Creates a segmenter and recognizes the family of the session's model.
    /// - Parameter settings: the settings from the files next to the model.
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

    /// Segments an image. The stages of the result's timing are: preprocess, infer and postprocess.
    ///
    /// Cancellation takes effect between the stages.
    /// - Parameter alternatives: additional options for decoding the same network outputs.
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

/// The objects found in one image.
public struct Segmentation: Sendable {
    public let imageSize: ImageSize
    /// The detections, most confident first.
    public let detections: [Detection]
    /// The detections for each of the query's alternative options, in their order.
    public let alternatives: [[Detection]]
    /// Number of objects dropped because their confidence or box is infinite or NaN; 1 if nothing was found and the
    /// network's outputs contain NaN. For a valid model it is always 0. Other values are caused by a wrong `scale`,
    /// `mean` or `std`, or by an overflow in half precision.
    public let nonFiniteCount: Int
    public var timing: StageTiming
    /// The outlines of the detections in image pixels, in their order, if they were traced; `nil` for a mask without an
    /// outline.
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
    /// - Parameter simplification: maximum distance of simplified outlines from the mask's outline, in pixels; `nil`
    ///   keeps every point.
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

/// The durations of a prediction's stages.
public struct StageTiming: Sendable {
    /// Decoding the image file.
    public var decode: Duration = .zero
    /// Waiting in the queue.
    public var queue: Duration
    /// Preprocessing: from pixels to the input tensor.
    public var preprocess: Duration
    /// Inference in the network.
    public var inference: Duration
    /// Postprocessing: from output tensors to masks.
    public var postprocess: Duration
    /// Tracing outlines: from masks to polygons.
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

    /// The durations by name, in the order of the stages.
    public var stages: [(name: String, duration: Duration)] {
        [
            ("decode", decode), ("queue", queue), ("preprocess", preprocess), ("inference", inference),
            ("postprocess", postprocess), ("outlines", outlines),
        ]
    }

    /// The duration of all stages, without the time in the queue.
    public var total: Duration { decode + preprocess + inference + postprocess + outlines }
}
