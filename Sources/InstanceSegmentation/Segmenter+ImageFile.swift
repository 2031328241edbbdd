public import Imaging

/// The parameters for segmenting an image file.
public struct SegmentationQuery: Hashable, Sendable {
    public var options: PredictionOptions
    /// Additional options for decoding the same network outputs, for example to measure several thresholds. The results
    /// are in `Segmentation.alternatives`.
    public var alternatives: [PredictionOptions]
    /// Whether the model's recommended thresholds replace those of `options`.
    public var usesRecommendedThresholds: Bool
    /// Whether the caller chose the overlap threshold of `options`, so that the recommended one does not replace it.
    public var hasExplicitIoU: Bool
    /// The tiling of a large image; `nil` segments it as a whole only.
    public var tiling: Tiling?
    /// Whether every pixel is decoded, even if the network needs fewer.
    public var decodesInFull: Bool
    /// Whether outlines are traced as the last stage.
    public var tracesOutlines: Bool
    /// Maximum distance of simplified outlines from the mask's outline, in pixels; `nil` keeps every point.
    public var simplification: Double?

    public init(
        options: PredictionOptions = PredictionOptions(), alternatives: [PredictionOptions] = [],
        usesRecommendedThresholds: Bool = false, hasExplicitIoU: Bool = false, tiling: Tiling? = nil,
        decodesInFull: Bool = false, tracesOutlines: Bool = true, simplification: Double? = nil
    ) {
        self.options = options
        self.alternatives = alternatives
        self.usesRecommendedThresholds = usesRecommendedThresholds
        self.hasExplicitIoU = hasExplicitIoU
        self.tiling = tiling
        self.decodesInFull = decodesInFull
        self.tracesOutlines = tracesOutlines
        self.simplification = simplification
    }

    /// The options for a model, with its recommended thresholds where they are asked for.
    func options(for model: any SegmentationModel) -> PredictionOptions {
        guard usesRecommendedThresholds else { return options }
        var options = options
        options.confidenceThreshold = model.recommendedConfidence
        if let overlap = model.recommendedIoU, !hasExplicitIoU { options.iouThreshold = overlap }
        return options
    }
}

extension Segmenter {
    /// Decodes an image file at the resolution that the model needs for a query: the first stage of `segment(_:_:)`.
    /// - Throws: the decoder's error.
    public func decode(_ file: some DecodableImage, for query: SegmentationQuery) throws -> RasterImage {
        try file.decode(
            minimumSize: query.decodesInFull || query.tiling != nil || model.needsEveryPixel
                ? nil : { model.transform(for: $0).minimumSourceSize })
    }

    /// Decodes an image file at the resolution that the model needs, and segments it.
    ///
    /// The stages of the result's timing are: decode, preprocess, infer, postprocess, and trace outlines.
    ///
    /// Cancellation takes effect between the stages.
    /// - Returns: the objects, and the decoded image.
    /// - Throws: the decoder's error, `SegmentationError`, the backend's error, or `CancellationError`.
    public func segment(
        _ file: some DecodableImage, _ query: SegmentationQuery = SegmentationQuery()
    ) async throws -> (segmentation: Segmentation, image: RasterImage) {
        try await segment(file, query, afterDecoding: {})
    }

    /// Decodes and segments an image file, with an additional step between the two.
    package func segment(
        _ file: some DecodableImage, _ query: SegmentationQuery, afterDecoding: () async throws -> Void
    ) async throws -> (segmentation: Segmentation, image: RasterImage) {
        let clock = ContinuousClock()
        let start = clock.now
        try Task.checkCancellation()
        let image = try decode(file, for: query)
        let decoded = clock.now
        try Task.checkCancellation()
        try await afterDecoding()
        let options = query.options(for: model)
        var segmentation =
            if let tiling = query.tiling {
                try await segment(image, options: options, alternatives: query.alternatives, tiling: tiling)
            } else {
                try await segment(image, options: options, alternatives: query.alternatives)
            }
        segmentation.timing.decode = decoded - start
        if query.tracesOutlines {
            try Task.checkCancellation()
            segmentation.traceOutlines(simplification: query.simplification)
        }
        return (segmentation, image)
    }
}
