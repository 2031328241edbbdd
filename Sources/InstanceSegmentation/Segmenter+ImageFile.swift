public import Imaging

/// How an image file is segmented.
public struct SegmentationQuery: Hashable, Sendable {
    public var options: PredictionOptions
    /// Further options that the same network outputs are decoded with, as a measurement of several thresholds needs. Their objects are
    /// `Segmentation.alternatives`.
    public var alternatives: [PredictionOptions]
    /// Whether the model's recommended thresholds replace those of `options`.
    public var usesRecommendedThresholds: Bool
    /// Whether the caller chose the overlap of `options`, so that the recommended one does not replace it.
    public var hasExplicitIoU: Bool
    /// Segments a large image in overlapping tiles; `nil` segments it as a whole.
    public var tiling: Tiling?
    /// Decodes every pixel, even where the network needs fewer.
    public var decodesInFull: Bool
    /// Traces outlines as the last stage.
    public var tracesOutlines: Bool
    /// How far outlines with fewer points may be from the mask's, in pixels; `nil` keeps every point.
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
    /// Decodes an image file as far as the model needs for a query: the first stage of `segment(_:_:)`.
    /// - Throws: the decoder's error.
    public func decode(_ file: some DecodableImage, for query: SegmentationQuery) throws -> RasterImage {
        try file.decode(
            minimumSize: query.decodesInFull || query.tiling != nil || model.needsEveryPixel
                ? nil : { model.transform(for: $0).minimumSourceSize })
    }

    /// Decodes an image file as far as the model needs and segments it: decode, preprocess, infer, postprocess, and trace outlines, each
    /// a stage of the result's timing.
    ///
    /// Cancellation takes effect between the stages.
    /// - Returns: the objects, and the image as it was decoded.
    /// - Throws: the decoder's error, `SegmentationError`, the backend's error, or `CancellationError`.
    public func segment(
        _ file: some DecodableImage, _ query: SegmentationQuery = SegmentationQuery()
    ) async throws -> (segmentation: Segmentation, image: RasterImage) {
        try await segment(file, query, afterDecoding: {})
    }

    /// The same, with a step between decoding and everything that follows.
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
