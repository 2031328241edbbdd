import Imaging

/// Makes masks from grids of numbers over a network's input: a pixel is set where the number, sampled bilinearly at the pixel's
/// center, is above a threshold.
///
/// Nothing of the image's size is ever held. Between two cells of a row the number is linear, so that a stretch of pixels whose
/// cells agree is decided at once, and pixels are looked at one by one only where the sign changes.
struct MaskSampler: Sendable {
    /// A rectangle of cells.
    struct Window {
        let columns: ClosedRange<Int>
        let rows: ClosedRange<Int>
        var count: Int { columns.count * rows.count }
    }

    /// Where pixels lie in the network: the image's, or those of a coarser grid over it.
    let transform: ImageTransform
    private let columns: CellTable
    private let rows: CellTable

    /// - Parameters:
    ///   - cells: size of the grids.
    ///   - resolution: how fine masks are made; it may be coarser than the image's pixels.
    init(cells: ImageSize, transform: ImageTransform, resolution: MaskResolution = .image) {
        let transform = transform.onGrid(
            resolution.grid(imageSize: transform.imageSize, cells: transform.cells(of: cells)))
        self.transform = transform
        columns = CellTable(
            pixels: transform.imageSize.width, scale: transform.scaleX, first: transform.crop.x, offset: transform.left,
            cells: cells.width, networkSide: transform.networkSize.width)
        rows = CellTable(
            pixels: transform.imageSize.height, scale: transform.scaleY, first: transform.crop.y, offset: transform.top,
            cells: cells.height, networkSide: transform.networkSize.height)
    }

    /// The pixels inside a box: those with `x1 <= x < x2` and `y1 <= y < y2`.
    func pixels(in box: BoundingBox) -> (across: Range<Int>, down: Range<Int>) {
        func range(_ from: Double, _ to: Double) -> Range<Int> {
            Int(from.rounded(.up))..<max(Int(to.rounded(.up)), Int(from.rounded(.up)))
        }
        return (range(box.x1, box.x2), range(box.y1, box.y2))
    }

    /// All pixels of the part of the image that the network saw.
    var allPixels: (across: Range<Int>, down: Range<Int>) {
        let crop = transform.crop
        return (crop.x..<crop.x + crop.size.width, crop.y..<crop.y + crop.size.height)
    }

    /// All cells.
    var allCells: Window { Window(columns: 0...columns.cells - 1, rows: 0...rows.cells - 1) }

    /// The cells that pixels are sampled from; `nil` where there are no pixels.
    func window(across: Range<Int>, down: Range<Int>) -> Window? {
        guard !across.isEmpty, !down.isEmpty else { return nil }
        return Window(
            columns: Int(
                columns.cell[across.lowerBound])...min(
                    Int(columns.cell[across.upperBound - 1]) + 1, columns.cells - 1),
            rows: Int(rows.cell[down.lowerBound])...min(Int(rows.cell[down.upperBound - 1]) + 1, rows.cells - 1))
    }

    /// The mask of one object.
    /// - Parameters:
    ///   - values: of the window's cells, row by row.
    ///   - threshold: a pixel is set where its value is above it.
    func mask(
        _ values: UnsafeBufferPointer<Float>, window: Window, across: Range<Int>, down: Range<Int>, threshold: Float = 0
    ) -> Mask {
        let width = window.columns.count
        var builder = MaskBuilder(imageSize: transform.imageSize, top: down.lowerBound, rowCapacity: down.count)
        var line = [Float](repeating: 0, count: width)
        line.withUnsafeMutableBufferPointer { line in
            for y in down {
                let upper = Int(rows.cell[y]) - window.rows.lowerBound
                let lower = min(upper + 1, window.rows.count - 1)
                let share = rows.fraction[y]
                for c in 0..<width {
                    line[c] = values[upper * width + c] * (1 - share) + values[lower * width + c] * share - threshold
                }
                appendRuns(of: line, firstColumn: window.columns.lowerBound, across: across, to: &builder)
                builder.endRow()
            }
        }
        return builder.mask
    }

    /// The mask of one object, wherever in the image it is.
    /// - Parameter values: of all cells, row by row.
    func mask(_ values: UnsafeBufferPointer<Float>, threshold: Float = 0) -> Mask {
        let (across, down) = allPixels
        return mask(values, window: allCells, across: across, down: down, threshold: threshold)
    }

    /// The mean over a mask's pixels of a function of what is sampled there.
    func mean(of function: (Float) -> Float, _ values: UnsafeBufferPointer<Float>, over mask: Mask) -> Float {
        var (sum, count) = (Float(0), 0)
        for y in mask.rows {
            let upper = Int(rows.cell[y])
            let lower = min(upper + 1, rows.cells - 1)
            let down = rows.fraction[y]
            for run in mask.runs(inRow: y) {
                for x in Int(run.start)..<Int(run.end) {
                    let left = Int(columns.cell[x])
                    let right = min(left + 1, columns.cells - 1)
                    func value(_ column: Int) -> Float {
                        values[upper * columns.cells + column] * (1 - down) + values[lower * columns.cells + column]
                            * down
                    }
                    sum += function(value(left) * (1 - columns.fraction[x]) + value(right) * columns.fraction[x])
                    count += 1
                }
            }
        }
        return sum / (Float(count) + 1e-6)
    }

    /// The runs of one row of pixels, given the numbers of its cells.
    private func appendRuns(
        of line: UnsafeMutableBufferPointer<Float>, firstColumn: Int, across: Range<Int>, to builder: inout MaskBuilder
    ) {
        // The run that grows, so that the builder is only called where one ends.
        var (runStart, runEnd) = (0, 0)
        func add(_ start: Int, _ end: Int, to builder: inout MaskBuilder) {
            guard start < end else { return }
            if start != runEnd {
                builder.append(from: runStart, to: runEnd)
                runStart = start
            }
            runEnd = end
        }
        let last = line.count - 1
        var c = 0
        while c <= last {
            let (left, right) = (line[c], line[min(c + 1, last)])
            let first = c
            c += 1
            if left <= 0 && right <= 0 { continue }
            if left > 0 && right > 0 {  // as are the pixels of all cells up to one that is not
                while c <= last, line[min(c + 1, last)] > 0 { c += 1 }
            }
            let start = max(Int(columns.firstPixel[firstColumn + first]), across.lowerBound)
            let end = min(Int(columns.firstPixel[firstColumn + c]), across.upperBound)
            if left > 0 && right > 0 {
                add(start, end, to: &builder)
            } else {
                for x in start..<max(start, end) {
                    let share = columns.fraction[x]
                    if left * (1 - share) + right * share > 0 { add(x, x + 1, to: &builder) }
                }
            }
        }
        builder.append(from: runStart, to: runEnd)
    }
}

extension ImageTransform {
    /// How many cells of a grid over the whole input show the image.
    fileprivate func cells(of grid: ImageSize) -> ImageSize {
        func side(_ resized: Int, _ network: Int, _ cells: Int, _ image: Int, _ crop: Int) -> Int {
            max(Int((Double(resized) * Double(cells) / Double(network) * Double(image) / Double(crop)).rounded()), 1)
        }
        return ImageSize(
            width: side(resizedSize.width, networkSize.width, grid.width, imageSize.width, crop.size.width),
            height: side(resizedSize.height, networkSize.height, grid.height, imageSize.height, crop.size.height))
    }

    /// The same place in the input for an image of another size.
    fileprivate func onGrid(_ size: ImageSize) -> ImageTransform {
        guard size != imageSize else { return self }
        func scaled(_ length: Int, _ to: Int, _ from: Int) -> Int { (length * to + from / 2) / from }
        // What begins in the last half of a cell is rounded to the grid's end, where there is no cell left.
        let x = min(scaled(crop.x, size.width, imageSize.width), size.width - 1)
        let y = min(scaled(crop.y, size.height, imageSize.height), size.height - 1)
        let part = ImageSize(
            width: max(min(scaled(crop.size.width, size.width, imageSize.width), size.width - x), 1),
            height: max(min(scaled(crop.size.height, size.height, imageSize.height), size.height - y), 1))
        return ImageTransform(
            imageSize: size, crop: ImageRegion(x: x, y: y, size: part), networkSize: networkSize,
            resizedSize: resizedSize, left: left, top: top)
    }
}

/// For each pixel of one axis, the cell at or before its center and how far it is towards the next one.
private struct CellTable {
    let cells: Int
    private(set) var cell: [Int32] = []
    private(set) var fraction: [Float] = []
    /// The first pixel of each cell; one entry more than there are cells.
    private(set) var firstPixel: [Int32] = []

    init(pixels: Int, scale: Double, first: Int, offset: Int, cells: Int, networkSide: Int) {
        self.cells = cells
        cell.reserveCapacity(pixels)
        fraction.reserveCapacity(pixels)
        for x in 0..<pixels {
            let network = (Double(x - first) + 0.5) * scale + Double(offset)
            let position = min(max(network * Double(cells) / Double(networkSide) - 0.5, 0), Double(cells - 1))
            let floor = position.rounded(.down)
            while firstPixel.count <= Int(floor) { firstPixel.append(Int32(x)) }
            cell.append(Int32(floor))
            fraction.append(Float(position - floor))
        }
        while firstPixel.count <= cells { firstPixel.append(Int32(pixels)) }
    }
}
