public import Imaging

extension Segmenter {
    /// Segments an image in tiles and as a whole, and returns the merged objects, most confident first.
    ///
    /// Cancellation is checked before each tile and at short intervals during the merge. An image that was reduced
    /// while it was decoded is segmented only as a whole.
    ///
    /// - Parameters:
    ///   - alternatives: additional options for decoding and merging the same network outputs.
    ///   - tiling: size and overlap of the tiles; each costs one inference.
    /// - Throws: `SegmentationError`, the backend's error, or `CancellationError`.
    public func segment(
        _ image: RasterImage, options: PredictionOptions = PredictionOptions(), alternatives: [PredictionOptions] = [],
        tiling: Tiling
    ) async throws -> Segmentation {
        let whole = try await segment(image, options: options, alternatives: alternatives)
        guard image.size == image.originalSize, tiling.tileCount(of: image.size) > 1 else { return whole }
        var timing = whole.timing
        var nonFinite = whole.nonFiniteCount
        var mergers = [TileMerger](repeating: TileMerger(imageSize: image.size), count: 1 + alternatives.count)
        func add(_ part: Segmentation, of region: ImageRegion) {
            for (i, found) in ([part.detections] + part.alternatives).enumerated() { mergers[i].add(found, of: region) }
        }
        add(whole, of: ImageRegion(x: 0, y: 0, size: image.size))
        for tile in tiling.tiles(of: image.size) {
            try Task.checkCancellation()
            let part = try await segment(image.cropped(to: tile), options: options, alternatives: alternatives)
            timing.add(part.timing)
            nonFinite += part.nonFiniteCount
            add(part, of: tile)
        }
        let clock = ContinuousClock()
        let start = clock.now
        let merged = try await mergers.removeFirst().merged(options)
        var others: [[Detection]] = []
        for options in alternatives { others.append(try await mergers.removeFirst().merged(options)) }
        timing.postprocess += clock.now - start
        return Segmentation(
            imageSize: image.size, detections: merged, alternatives: others, nonFiniteCount: nonFinite, timing: timing)
    }
}

extension StageTiming {
    fileprivate mutating func add(_ other: StageTiming) {
        queue += other.queue
        preprocess += other.preprocess
        inference += other.inference
        postprocess += other.postprocess
    }
}
