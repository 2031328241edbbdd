import Imaging

/// Masks whose maps are resized twice, as some families' own code does: from the network's cells to the pixels of its input, and the part
/// of those that shows the image to the image.
struct EnlargedMasks {
    /// For one pixel of the input, the cell at or before its center, the next one, and the share of the latter.
    private struct Tap {
        let first: Int
        let second: Int
        let share: Float
    }

    /// Size of the maps.
    let cells: ImageSize
    /// Samples the pixels of the input that show the image.
    let sampler: MaskSampler
    private let columns: [Tap]
    private let rows: [Tap]
    /// The bars before the image.
    private let left: Double
    private let top: Double

    /// - Parameters:
    ///   - cells: size of the maps, which lie over the whole input.
    ///   - resolution: how fine masks are made; it may be coarser than the image's pixels.
    init(cells: ImageSize, transform: ImageTransform, resolution: MaskResolution) {
        self.cells = cells
        (left, top) = (Double(transform.left), Double(transform.top))
        let part = transform.resizedSize
        let onPart = ImageTransform(
            imageSize: transform.imageSize, crop: transform.crop, networkSize: part, resizedSize: part, left: 0, top: 0)
        sampler = MaskSampler(cells: part, transform: onPart, resolution: resolution)
        func taps(_ pixels: Int, _ offset: Int, _ side: Int, _ cells: Int) -> [Tap] {
            (0..<pixels).map { pixel in
                // In 32 bits, as torch's `interpolate` computes it.
                let position = (Float(pixel + offset) + 0.5) * (Float(cells) / Float(side)) - 0.5
                let inside = min(max(position, 0), Float(cells - 1))
                let first = Int(inside)
                return Tap(first: first, second: min(first + 1, cells - 1), share: inside - Float(first))
            }
        }
        columns = taps(part.width, transform.left, transform.networkSize.width, cells.width)
        rows = taps(part.height, transform.top, transform.networkSize.height, cells.height)
    }

    /// The part of a mask inside a box.
    /// - Parameters:
    ///   - map: the numbers of all cells, row by row.
    ///   - box: in network pixels. A pixel is inside where `x1 <= x < x2` and `y1 <= y < y2`.
    ///   - threshold: a pixel is set where its value is above it.
    func mask(_ map: UnsafeBufferPointer<Float>, within box: BoundingBox, threshold: Float) -> Mask {
        let shown = BoundingBox(x1: box.x1 - left, y1: box.y1 - top, x2: box.x2 - left, y2: box.y2 - top)
        let (across, down) = sampler.pixels(in: sampler.transform.imageBox(shown))
        guard let window = sampler.window(across: across, down: down), map.count == cells.area else {
            return .empty(sampler.transform.imageSize)
        }
        return enlarged(map, window: window).withUnsafeBufferPointer {
            sampler.mask($0, window: window, across: across, down: down, threshold: threshold)
        }
    }

    /// The values of a map at the pixels of the input that show the image, row by row.
    /// - Parameter map: the numbers of all cells, row by row.
    func enlarged(_ map: UnsafeBufferPointer<Float>) -> [Float] { enlarged(map, window: sampler.allCells) }

    private func enlarged(_ map: UnsafeBufferPointer<Float>, window: MaskSampler.Window) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(window.count)
        let span = columns[window.columns.lowerBound].first...columns[window.columns.upperBound].second
        var line = [Float](repeating: 0, count: span.count)
        for y in window.rows {
            let row = rows[y]
            for (i, c) in span.enumerated() {
                let (upper, lower) = (map[row.first * cells.width + c], map[row.second * cells.width + c])
                line[i] = upper * (1 - row.share) + lower * row.share
            }
            for x in window.columns {
                let column = columns[x]
                let (left, right) = (line[column.first - span.lowerBound], line[column.second - span.lowerBound])
                values.append(left * (1 - column.share) + right * column.share)
            }
        }
        return values
    }
}
