import Imaging

/// Masks of query models in the size in which the families' own code makes them: 384 x 384 over the whole input for Mask2Former,
/// the maps' own for MaskFormer, both enlarged by repeating pixels; the image's for EoMT, whose maps are resized to the input,
/// cut to the part that shows the image, and resized again.
///
/// Source: transformers, `post_process_instance_segmentation` of the three image processors.
struct ReferenceMasks {
    private let maps: Tensor
    private let imageSize: ImageSize
    private let sampler: MaskSampler
    /// For maps that are resized twice.
    private let enlarged: EnlargedMasks?

    init(kind: QuerySegmentation.Kind, maps: Tensor, transform: ImageTransform) {
        self.maps = maps
        imageSize = transform.imageSize
        let cells = ImageSize(width: maps.shape[3], height: maps.shape[2])
        switch kind {
        case .eomt:
            let masks = EnlargedMasks(cells: cells, transform: transform, resolution: .image)
            (enlarged, sampler) = (masks, masks.sampler)
        case .maskformer, .mask2former:
            enlarged = nil
            let grid = kind == .maskformer ? cells : ImageSize(width: 384, height: 384)
            sampler = MaskSampler(
                cells: cells,
                transform: ResizeMode.stretch.transform(imageSize: grid, networkSize: transform.networkSize))
        }
    }

    func mask(_ query: Int) -> Mask? {
        let mask = withMap(query) { sampler.mask($0) }
        return enlarged == nil ? mask?.repeated(to: imageSize) : mask
    }

    /// How sure the pixels of a query's mask are; 0 for one that has none.
    func certainty(_ query: Int) -> Float {
        withMap(query) { map in
            let mask = sampler.mask(map)
            return mask.isEmpty ? 0 : sampler.mean(of: sigmoid, map, over: mask)
        } ?? 0
    }

    private func withMap<Result>(_ query: Int, _ body: (UnsafeBufferPointer<Float>) -> Result) -> Result? {
        maps.withMap(query) { map in
            guard let enlarged else { return body(map) }
            return enlarged.enlarged(map).withUnsafeBufferPointer(body)
        }
    }
}
