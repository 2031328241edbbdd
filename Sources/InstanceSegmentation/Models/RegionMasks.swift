import Imaging

/// Masks from small maps over boxes: a pixel is set where the map, sampled bilinearly at the pixel's center and zero outside, is at
/// least a threshold.
///
/// Between two columns of a map the number is linear along a row of pixels, so that most stretches of pixels are decided at once. What
/// is within rounding of the threshold is computed pixel by pixel, in the order and precision of the reference: masks are equal to its.
/// They are made of the image's pixels at any `MaskResolution`.
struct RegionMasks: InstanceMasks {
    private let maps: Tensor
    private let transform: ImageTransform
    private let threshold: Float

    init(_ maps: Tensor, name: String, transform: ImageTransform, threshold: Float) throws {
        guard maps.shape.count >= 3, maps.count == 0 || maps.shape.suffix(2).allSatisfy({ $0 <= ModelLimits.maskSide })
        else {
            throw SegmentationError.unexpectedShape(
                tensor: name, found: maps.shape,
                expected: "[n, 1, height, width] with sides of at most \(ModelLimits.maskSide)")
        }
        self.maps = maps
        self.transform = transform
        self.threshold = threshold
    }

    func mask(of candidate: Candidate) -> Mask { maskAndCost(of: candidate).mask }

    /// The mask of a candidate, and how many times a map was sampled for it.
    func maskAndCost(of candidate: Candidate) -> (mask: Mask, samples: Int) {
        let box = BoundingBox(
            x1: transform.imageX(candidate.box.x1), y1: transform.imageY(candidate.box.y1),
            x2: transform.imageX(candidate.box.x2), y2: transform.imageY(candidate.box.y2))
        let shown = transform.imageBox(candidate.box)
        // A map cannot be spread over a box without an area.
        guard box.width > 0, box.height > 0 else { return (.empty(transform.imageSize), 0) }
        let (rows, columns) = (maps.shape[maps.shape.count - 2], maps.shape[maps.shape.count - 1])
        let down = Int(shown.y1)..<max(Int(shown.y2.rounded(.up)), Int(shown.y1))
        let across = Int(shown.x1)..<max(Int(shown.x2.rounded(.up)), Int(shown.x1))
        var builder = MaskBuilder(imageSize: transform.imageSize, top: down.lowerBound, rowCapacity: down.count)
        var samples = 0
        _ = maps.withMap(candidate.index) { map in
            func value(_ row: Int, _ column: Int) -> Float {
                (0..<rows).contains(row) && (0..<columns).contains(column) ? map[row * columns + column] : 0
            }
            let axis = RegionAxis(across, from: box.x1, length: box.width, cells: columns)
            let limit = RegionCell.Limit(threshold, of: map)
            for y in down {
                let (row, lower) = RegionAxis.taps(y, box.y1, box.height, rows)
                for stretch in axis.stretches {
                    let cell = RegionCell(
                        top: (value(row, stretch.cell), value(row, stretch.cell + 1)),
                        bottom: (value(row + 1, stretch.cell), value(row + 1, stretch.cell + 1)), lower: lower)
                    samples += cell.appendPixels(of: stretch, on: axis, limit, to: &builder)
                }
                builder.endRow()
            }
        }
        return (builder.mask, samples)
    }
}

/// The pixels of a row between the columns of a map that lies over them.
private struct RegionAxis {
    /// Pixels between the same two columns.
    struct Stretch {
        /// The first of the two.
        let cell: Int
        /// The pixels, counted from the axis's first.
        var pixels: Range<Int>
    }

    /// The first pixel.
    let first: Int
    private(set) var stretches: [Stretch] = []
    /// For each pixel the share of the second column; it never falls along a stretch.
    private(set) var shares: [Float] = []
    /// Whether all shares are numbers.
    private(set) var isFinite = true

    /// - Parameters:
    ///   - from: where the map begins, in pixels.
    ///   - length: of the map, in pixels.
    init(_ pixels: Range<Int>, from: Double, length: Double, cells: Int) {
        first = pixels.lowerBound
        shares.reserveCapacity(pixels.count)
        for (i, pixel) in pixels.enumerated() {
            let (cell, share) = Self.taps(pixel, from, length, cells)
            if let last = stretches.last, last.cell == cell, shares[i - 1] <= share {
                stretches[stretches.count - 1].pixels = last.pixels.lowerBound..<i + 1
            } else {
                stretches.append(Stretch(cell: cell, pixels: i..<i + 1))
            }
            if !share.isFinite { isFinite = false }
            shares.append(share)
        }
    }

    /// The first of two cells and the share of the second; -1 and the number of cells stand for the zeros outside.
    static func taps(_ pixel: Int, _ from: Double, _ length: Double, _ cells: Int) -> (Int, Float) {
        let position = (Double(pixel) + 0.5 - from) / length * Double(cells) - 0.5
        let first = position.rounded(.down)
        return (Int(max(min(first, Double(cells)), -2)), Float(position - first))
    }
}

/// Four numbers of a map around pixels of one row.
private struct RegionCell {
    /// What decides, and how far from it a number is on its side whatever the rounding.
    struct Limit {
        let threshold: Float
        /// `nil` where the map has numbers that are not finite.
        let margin: Double?

        init(_ threshold: Float, of map: UnsafeBufferPointer<Float>) {
            self.threshold = threshold
            var largest: Float = 0
            var isUsual = true
            for value in map {
                largest = max(largest, value.magnitude)
                // False for NaN.
                isUsual = isUsual && value.magnitude <= 1e30
            }
            // The sum of four products is off by less than a millionth of the largest number.
            margin = isUsual ? Double(largest) * 1e-5 + 1e-30 : nil
        }
    }

    let top: (left: Float, right: Float)
    let bottom: (left: Float, right: Float)
    /// The share of the bottom.
    let lower: Float

    /// Adds the pixels of a stretch that are set.
    /// - Returns: at how many pixels the map was sampled.
    func appendPixels(
        of stretch: RegionAxis.Stretch, on axis: RegionAxis, _ limit: Limit, to builder: inout MaskBuilder
    ) -> Int {
        let pixels = stretch.pixels
        var samples = 0
        func add(_ pixels: Range<Int>) {
            builder.append(from: axis.first + pixels.lowerBound, to: axis.first + pixels.upperBound)
        }
        func look(at pixels: Range<Int>) {
            samples += pixels.count
            for i in pixels where value(axis.shares[i]) >= limit.threshold { add(i..<i + 1) }
        }
        guard let margin = limit.margin, axis.isFinite, lower.isFinite else {
            look(at: pixels)
            return samples
        }
        if top == (0, 0) && bottom == (0, 0) {
            if limit.threshold <= 0 { add(pixels) }
            return samples
        }
        let share = Double(lower)
        let left = Double(top.left) * (1 - share) + Double(bottom.left) * share
        let slope = Double(top.right) * (1 - share) + Double(bottom.right) * share - left
        func light(_ i: Int) -> Double {
            samples += 1
            return left + slope * Double(axis.shares[i])
        }
        let (least, most) = (Double(limit.threshold) - margin, Double(limit.threshold) + margin)
        if slope >= 0 {
            let open = pixels.firstIndex(fromWhich: { light($0) > least })
            let sure = (open..<pixels.upperBound).firstIndex(fromWhich: { light($0) >= most })
            look(at: open..<sure)
            add(sure..<pixels.upperBound)
        } else {
            let open = pixels.firstIndex(fromWhich: { light($0) < most })
            let out = (open..<pixels.upperBound).firstIndex(fromWhich: { light($0) <= least })
            add(pixels.lowerBound..<open)
            look(at: open..<out)
        }
        return samples
    }

    /// The number at a pixel, as the reference computes it.
    private func value(_ right: Float) -> Float {
        let top = top.left * (1 - right) + top.right * right
        let bottom = bottom.left * (1 - right) + bottom.right * right
        return top * (1 - lower) + bottom * lower
    }
}

extension Range<Int> {
    /// The first number from which on a condition holds; the end where it never does.
    fileprivate func firstIndex(fromWhich holds: (Int) -> Bool) -> Int {
        guard !isEmpty, !holds(lowerBound) else { return lowerBound }
        guard holds(upperBound - 1) else { return upperBound }
        var (low, high) = (lowerBound, upperBound - 1)
        while low + 1 < high {
            let middle = (low + high) / 2
            if holds(middle) { high = middle } else { low = middle }
        }
        return high
    }
}
