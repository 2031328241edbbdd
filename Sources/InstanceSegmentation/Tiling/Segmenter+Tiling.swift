public import Imaging

extension Segmenter {
    /// The objects of an image that is segmented in tiles and as a whole, most confident first.
    ///
    /// Cancellation is checked before each tile and at short intervals while the parts are merged. An image that was
    /// reduced while it was decoded is segmented as a whole only.
    ///
    /// - Parameter tiling: size and overlap of the tiles; each costs one inference.
    public func segment(
        _ image: Image, options: PredictionOptions = PredictionOptions(), tiling: Tiling
    ) async throws -> Segmentation {
        let whole = try await segment(image, options: options)
        guard image.size == image.fullSize, tiling.tileCount(of: image.size) > 1 else { return whole }
        var timing = whole.timing
        var nonFinite = whole.nonFiniteCount
        var merger = TileMerger(imageSize: image.size)
        merger.add(whole.detections, of: ImageRegion(x: 0, y: 0, size: image.size))
        for tile in tiling.tiles(of: image.size) {
            try Task.checkCancellation()
            let part = try await segment(image.cropped(to: tile), options: options)
            timing.add(part.timing)
            nonFinite += part.nonFiniteCount
            merger.add(part.detections, of: tile)
        }
        let clock = ContinuousClock()
        let start = clock.now
        let merged = try await merger.merged(options)
        timing.postprocess += clock.now - start
        return Segmentation(imageSize: image.size, detections: merged, nonFiniteCount: nonFinite, timing: timing)
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
