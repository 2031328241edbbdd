import Imaging

/// Masks as sums of prototypes: the logit of an object at a prototype cell is the product of its coefficients and the
/// cell's prototypes, and a pixel belongs to the object where the logit, sampled bilinearly at the pixel's centre, is
/// above 0 and the pixel is inside the object's box.
///
/// Nothing of the picture's size is ever held. Between two cells of a row the logit is linear, so that a stretch of
/// pixels whose cells agree in sign is decided at once, and pixels are looked at one by one only where the sign changes.
///
/// Source: Bolya et al., *YOLACT* (2019); Ultralytics' `process_mask_native`, with logits instead of padding cut off.
struct PrototypeMasks {
    /// Number of prototypes.
    let count: Int
    private let prototypes: Tensor
    private let transform: ImageTransform
    private let columns: CellTable
    private let rows: CellTable

    /// - Parameters:
    ///   - prototypes: `[1, count, height, width]`.
    ///   - resolution: how fine the grid is on which masks are made; it may be coarser than the picture's pixels.
    init(_ prototypes: Tensor, transform: ImageTransform, resolution: MaskResolution = .image) throws {
        let shape = prototypes.shape
        guard shape.count == 4, shape[0] == 1, shape[1...].allSatisfy({ $0 > 0 }) else {
            throw SegmentationError.unexpectedShape(
                tensor: "prototypes", found: shape, expected: "[1, coefficients, height, width]")
        }
        count = shape[1]
        self.prototypes = prototypes
        let transform = transform.onGrid(
            resolution.grid(
                imageSize: transform.imageSize,
                cells: transform.cells(of: ImageSize(width: shape[3], height: shape[2]))))
        self.transform = transform
        columns = CellTable(
            pixels: transform.imageSize.width, scale: transform.scaleX, offset: transform.left, cells: shape[3],
            networkSide: transform.networkSize.width)
        rows = CellTable(
            pixels: transform.imageSize.height, scale: transform.scaleY, offset: transform.top, cells: shape[2],
            networkSide: transform.networkSize.height)
    }

    /// The mask of one object.
    /// - Parameters:
    ///   - coefficients: one a prototype.
    ///   - networkBox: in network pixels.
    func mask(coefficients: [Float], networkBox: BoundingBox) -> Mask {
        mask(coefficients: coefficients, box: transform.imageBox(networkBox))
    }

    /// The mask of one object.
    /// - Parameter box: on the grid, clipped to it. A pixel is inside where `x1 <= x < x2` and `y1 <= y < y2`.
    func mask(coefficients: [Float], box: BoundingBox) -> Mask {
        let across = Int(box.x1.rounded(.up))..<max(Int(box.x2.rounded(.up)), Int(box.x1.rounded(.up)))
        let down = Int(box.y1.rounded(.up))..<max(Int(box.y2.rounded(.up)), Int(box.y1.rounded(.up)))
        guard !across.isEmpty, !down.isEmpty else {
            return Mask(imageSize: transform.imageSize, top: 0, rowStarts: [0], runs: [])
        }
        // The window of cells that the box's pixels are sampled from.
        let firstColumn = Int(columns.cell[across.lowerBound])
        let lastColumn = min(Int(columns.cell[across.upperBound - 1]) + 1, columns.cells - 1)
        let firstRow = Int(rows.cell[down.lowerBound])
        let lastRow = min(Int(rows.cell[down.upperBound - 1]) + 1, rows.cells - 1)
        let width = lastColumn - firstColumn + 1
        let logits = windowLogits(coefficients, columns: firstColumn...lastColumn, rows: firstRow...lastRow)

        var builder = MaskBuilder(imageSize: transform.imageSize, top: down.lowerBound, rowCapacity: down.count)
        var line = [Float](repeating: 0, count: width)
        logits.withUnsafeBufferPointer { logits in
            line.withUnsafeMutableBufferPointer { line in
                for y in down {
                    let upper = Int(rows.cell[y]) - firstRow
                    let lower = min(upper + 1, lastRow - firstRow)
                    let share = rows.fraction[y]
                    for c in 0..<width {
                        line[c] = logits[upper * width + c] * (1 - share) + logits[lower * width + c] * share
                    }
                    appendRuns(of: line, firstColumn: firstColumn, across: across, to: &builder)
                    builder.endRow()
                }
            }
        }
        return builder.mask
    }

    /// Products of coefficients and prototypes inside a window of cells.
    private func windowLogits(
        _ coefficients: [Float], columns window: ClosedRange<Int>, rows windowRows: ClosedRange<Int>
    ) -> [Float] {
        prototypes.withElements { elements in
            [Float](unsafeUninitializedCapacity: window.count * windowRows.count) { logits, initialized in
                guard let logits = logits.baseAddress, let source = elements.baseAddress else { return }
                logits.initialize(repeating: 0, count: window.count * windowRows.count)
                for (k, coefficient) in coefficients.enumerated() {
                    for (i, row) in windowRows.enumerated() {
                        let from = source + (k * rows.cells + row) * columns.cells + window.lowerBound
                        let to = logits + i * window.count
                        for c in 0..<window.count { to[c] += coefficient * from[c] }
                    }
                }
                initialized = window.count * windowRows.count
            }
        }
    }

    /// The runs of one row of pixels, given the logits of its cells.
    private func appendRuns(
        of line: UnsafeMutableBufferPointer<Float>, firstColumn: Int, across: Range<Int>, to builder: inout MaskBuilder
    ) {
        for c in 0..<line.count {
            let left = line[c]
            let right = line[min(c + 1, line.count - 1)]
            if left <= 0 && right <= 0 { continue }
            let start = max(Int(columns.firstPixel[firstColumn + c]), across.lowerBound)
            let end = min(Int(columns.firstPixel[firstColumn + c + 1]), across.upperBound)
            if left > 0 && right > 0 {
                builder.append(from: start, to: end)
            } else {
                for x in start..<max(start, end) {
                    let share = columns.fraction[x]
                    if left * (1 - share) + right * share > 0 { builder.append(from: x, to: x + 1) }
                }
            }
        }
    }
}

/// For each pixel of one axis, the cell at or before its centre and how far it is towards the next one.
private struct CellTable {
    let cells: Int
    private(set) var cell: [Int32] = []
    private(set) var fraction: [Float] = []
    /// The first pixel of each cell; one entry more than there are cells.
    private(set) var firstPixel: [Int32] = []

    init(pixels: Int, scale: Double, offset: Int, cells: Int, networkSide: Int) {
        self.cells = cells
        cell.reserveCapacity(pixels)
        fraction.reserveCapacity(pixels)
        for x in 0..<pixels {
            let network = (Double(x) + 0.5) * scale + Double(offset)
            let position = min(max(network * Double(cells) / Double(networkSide) - 0.5, 0), Double(cells - 1))
            let floor = position.rounded(.down)
            while firstPixel.count <= Int(floor) { firstPixel.append(Int32(x)) }
            cell.append(Int32(floor))
            fraction.append(Float(position - floor))
        }
        while firstPixel.count <= cells { firstPixel.append(Int32(pixels)) }
    }
}

extension ImageTransform {
    /// How many cells of a grid over the whole input show the picture.
    fileprivate func cells(of grid: ImageSize) -> ImageSize {
        func side(_ resized: Int, _ network: Int, _ cells: Int) -> Int {
            max(Int((Double(resized) * Double(cells) / Double(network)).rounded()), 1)
        }
        return ImageSize(
            width: side(resizedSize.width, networkSize.width, grid.width),
            height: side(resizedSize.height, networkSize.height, grid.height))
    }

    /// The same place in the input for a picture of another size.
    fileprivate func onGrid(_ size: ImageSize) -> ImageTransform {
        ImageTransform(imageSize: size, networkSize: networkSize, resizedSize: resizedSize, left: left, top: top)
    }
}
