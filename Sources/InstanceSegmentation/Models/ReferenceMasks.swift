import Imaging

/// Masks of query models in the size in which the families' own code makes them: 384 x 384 over the whole input for Mask2Former,
/// the maps' own for MaskFormer, both enlarged by repeating pixels; the picture's for EoMT, whose maps are resized to the input,
/// cut to the part that shows the picture, and resized again.
///
/// Source: transformers, `post_process_instance_segmentation` of the three image processors.
struct ReferenceMasks {
    private let maps: Tensor
    private let imageSize: ImageSize
    private let sampler: MaskSampler
    /// For maps that are resized twice.
    private let resize: MapResize?

    init(kind: QuerySegmentation.Kind, maps: Tensor, transform: ImageTransform) {
        self.maps = maps
        imageSize = transform.imageSize
        let cells = ImageSize(width: maps.shape[3], height: maps.shape[2])
        switch kind {
        case .eomt:
            let part = transform.resizedSize
            resize = MapResize(from: cells, to: transform.networkSize, part: part)
            sampler = MaskSampler(
                cells: part, transform: ResizeMode.stretch.transform(imageSize: imageSize, networkSize: part))
        case .maskformer, .mask2former:
            resize = nil
            let grid = kind == .maskformer ? cells : ImageSize(width: 384, height: 384)
            sampler = MaskSampler(
                cells: cells,
                transform: ResizeMode.stretch.transform(imageSize: grid, networkSize: transform.networkSize))
        }
    }

    func mask(_ query: Int) -> Mask? {
        let mask = withMap(query) { sampler.mask($0) }
        return resize == nil ? mask?.repeated(to: imageSize) : mask
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
            guard let resize else { return body(map) }
            return resize.resized(map).withUnsafeBufferPointer(body)
        }
    }
}

/// Resizes a map bilinearly with centers of cells at halves, as torch's `interpolate` does, and keeps its upper left part.
struct MapResize {
    private let cells: ImageSize
    private let part: ImageSize
    private let columns: [Step]
    private let rows: [Step]

    private struct Step {
        let first: Int
        let second: Int
        let share: Float
    }

    /// - Parameters:
    ///   - cells: size of the maps, at least 1 x 1.
    ///   - part: what is kept of the size that they are resized to; no larger than that.
    init(from cells: ImageSize, to size: ImageSize, part: ImageSize) {
        self.cells = cells
        self.part = part
        columns = Self.steps(part.width, of: size.width, cells: cells.width)
        rows = Self.steps(part.height, of: size.height, cells: cells.height)
    }

    private static func steps(_ count: Int, of side: Int, cells: Int) -> [Step] {
        let scale = Float(cells) / Float(side)
        return (0..<count).map { index in
            let place = max((Float(index) + 0.5) * scale - 0.5, 0)
            let first = min(Int(place), cells - 1)
            return Step(first: first, second: min(first + 1, cells - 1), share: place - Float(first))
        }
    }

    /// The part, row by row.
    func resized(_ map: UnsafeBufferPointer<Float>) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(part.area)
        var line = [Float](repeating: 0, count: cells.width)
        for row in rows {
            let (upper, lower) = (row.first * cells.width, row.second * cells.width)
            for c in 0..<cells.width { line[c] = map[upper + c] * (1 - row.share) + map[lower + c] * row.share }
            for column in columns {
                result.append(line[column.first] * (1 - column.share) + line[column.second] * column.share)
            }
        }
        return result
    }
}
