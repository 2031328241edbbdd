extension RasterImage {
    /// Returns the image as a network's input: resized, padded, and written as three planes of floats in one pass.
    ///
    /// The arithmetic is that of OpenCV's `resize(INTER_LINEAR)` on bytes: half-pixel centers, weights of 11 bits, and
    /// sums truncated to 4 fractional bits horizontally and rounded down. The result equals, bit for bit, what the
    /// models' own tools feed their networks.
    ///
    /// - Parameters:
    ///   - transform: the placement of the image; the pixels are resized to its `resizedSize`.
    ///   - padding: the value around the image.
    ///   - scaling: the conversion from bytes to floats.
    /// - Returns: `3 * height * width` floats, `[channel, y, x]`.
    public func planarFloats(
        transform: ImageTransform, padding: Padding = .byte(114), scaling: Normalization = .unit
    ) -> [Float] {
        let network = transform.networkSize
        return [Float](unsafeUninitializedCapacity: 3 * network.area) { output, count in
            guard let planes = output.baseAddress else { return }
            for channel in 0..<3 {
                pad(planes + channel * network.area, transform, padding.value(channel: channel, scaling))
            }
            pixels.withUnsafeBufferPointer { input in
                guard let source = input.baseAddress else { return }
                if size == transform.resizedSize {
                    copy(source, into: planes, transform, scaling)
                } else {
                    resize(source, into: planes, transform, scaling)
                }
            }
            count = 3 * network.area
        }
    }

    private func sourceChannel(_ channel: Int, _ scaling: Normalization) -> Int { scaling.sourceChannel(channel) }

    /// Fills what the image leaves free of one plane.
    private func pad(_ plane: UnsafeMutablePointer<Float>, _ transform: ImageTransform, _ value: Float) {
        let (width, height) = (transform.networkSize.width, transform.networkSize.height)
        let right = transform.left + transform.resizedSize.width
        let bottom = transform.top + transform.resizedSize.height
        plane.update(repeating: value, count: transform.top * width)
        (plane + bottom * width).update(repeating: value, count: (height - bottom) * width)
        for y in transform.top..<bottom {
            (plane + y * width).update(repeating: value, count: transform.left)
            (plane + y * width + right).update(repeating: value, count: width - right)
        }
    }

    /// What `resize` gives for an image that has its size already, as one has that was shrunk while decoding.
    private func copy(
        _ source: UnsafePointer<UInt8>, into planes: UnsafeMutablePointer<Float>, _ transform: ImageTransform,
        _ scaling: Normalization
    ) {
        let tables = (0..<3).map { channel in (0...255).map { scaling.value(UInt8($0), channel: channel) } }
        for channel in 0..<3 {
            let origin = planes + channel * transform.networkSize.area + transform.left
            let from = source + scaling.sourceChannel(channel)
            tables[scaling.sourceChannel(channel)].withUnsafeBufferPointer { values in
                for y in 0..<size.height {
                    let row = from + 3 * y * size.width
                    let output = origin + (transform.top + y) * transform.networkSize.width
                    for x in 0..<size.width { output[x] = values[Int(row[3 * x])] }
                }
            }
        }
    }

    private func resize(
        _ source: UnsafePointer<UInt8>, into planes: UnsafeMutablePointer<Float>, _ transform: ImageTransform,
        _ scaling: Normalization
    ) {
        let target = transform.resizedSize
        let columns = LinearTaps(source: size.width, target: target.width, clampsWeights: true)
        let rows = LinearTaps(source: size.height, target: target.height, clampsWeights: false)
        // Two source rows at a time, already resized across: three planes of 12-bit sums each.
        let lineLength = 3 * target.width
        let lines = UnsafeMutablePointer<UInt16>.allocate(capacity: 2 * lineLength)
        defer { lines.deallocate() }
        var (upper, lower) = (lines, lines + lineLength)
        var (upperRow, lowerRow) = (-1, -1)
        let table = (0..<3).map { c in
            (0...255).map { scaling.value(UInt8($0), channel: sourceChannel(c, scaling)) }
        }
        let isUnit = scaling == .unit

        for y in 0..<target.height {
            let first = min(max(rows.index[y], 0), size.height - 1)
            let second = min(max(rows.index[y] + 1, 0), size.height - 1)
            if first != upperRow {
                if first == lowerRow {
                    (upper, lower) = (lower, upper)
                    (upperRow, lowerRow) = (lowerRow, upperRow)
                } else {
                    across(source + 3 * first * size.width, columns, into: upper)
                    upperRow = first
                }
            }
            if second != lowerRow {
                across(source + 3 * second * size.width, columns, into: lower)
                lowerRow = second
            }
            let at = (transform.top + y) * transform.networkSize.width + transform.left
            for channel in 0..<3 {
                let output = planes + channel * transform.networkSize.area + at
                let from = sourceChannel(channel, scaling) * target.width
                let blend = RowBlend(
                    upper: upper + from, lower: lower + from, upperWeight: rows.near[y], lowerWeight: rows.far[y],
                    count: target.width)
                if isUnit { blend.writeUnit(to: output) } else { blend.write(to: output, table: table[channel]) }
            }
        }
    }

    /// One row resized across: `(left * near + right * far) >> 4`, planes R, G, B.
    private func across(_ row: UnsafePointer<UInt8>, _ taps: LinearTaps, into line: UnsafeMutablePointer<UInt16>) {
        let width = taps.index.count
        let lastPixel = size.width - 1
        let (red, green, blue) = (line, line + width, line + 2 * width)
        taps.index.withUnsafeBufferPointer { index in
            taps.near.withUnsafeBufferPointer { near in
                taps.far.withUnsafeBufferPointer { far in
                    for x in 0..<width {
                        let k = index[x]
                        let p = row + 3 * k
                        let q = k < lastPixel ? p + 3 : p
                        let (n, f) = (near[x], far[x])
                        red[x] = UInt16(truncatingIfNeeded: (Int32(p[0]) &* n &+ Int32(q[0]) &* f) &>> 4)
                        green[x] = UInt16(truncatingIfNeeded: (Int32(p[1]) &* n &+ Int32(q[1]) &* f) &>> 4)
                        blue[x] = UInt16(truncatingIfNeeded: (Int32(p[2]) &* n &+ Int32(q[2]) &* f) &>> 4)
                    }
                }
            }
        }
    }
}

/// The value around an image in a network's input.
public enum Padding: Hashable, Sendable {
    /// A byte, normalized like the image's own bytes.
    case byte(UInt8)
    /// A value that is written without normalization.
    case value(Float)

    func value(channel: Int, _ scaling: Normalization) -> Float {
        switch self {
        case .byte(let byte): scaling.value(byte, channel: scaling.sourceChannel(channel))
        case .value(let number): number
        }
    }
}

/// Which two source pixels make each target pixel, and their weights in 2048ths.
struct LinearTaps {
    /// The first of the two source positions; with `clampsWeights` always inside, otherwise possibly -1.
    private(set) var index: [Int] = []
    private(set) var near: [Int32] = []
    private(set) var far: [Int32] = []

    /// - Parameter clampsWeights: at the edges the outermost pixel alone counts (OpenCV does so across); otherwise the
    ///   weights stay and the caller clamps the rows (as OpenCV does downwards).
    init(source: Int, target: Int, clampsWeights: Bool) {
        let ratio = Double(source) / Double(target)
        for i in 0..<target {
            let position = Float((Double(i) + 0.5) * ratio - 0.5)
            let floor = position.rounded(.down)
            var k = Int(floor)
            var fraction = position - floor
            if clampsWeights && (k < 0 || k >= source - 1) {
                fraction = 0
                k = min(max(k, 0), source - 1)
            }
            index.append(k)
            near.append(Int32(((1 - fraction) * 2048).rounded(.toNearestOrEven)))
            far.append(Int32((fraction * 2048).rounded(.toNearestOrEven)))
        }
    }
}

/// Two lines of sums blended into one row of numbers.
private struct RowBlend {
    let upper: UnsafePointer<UInt16>
    let lower: UnsafePointer<UInt16>
    let upperWeight: Int32
    let lowerWeight: Int32
    let count: Int

    init(upper: UnsafePointer<UInt16>, lower: UnsafePointer<UInt16>, upperWeight: Int32, lowerWeight: Int32, count: Int)
    {
        self.upper = upper
        self.lower = lower
        self.upperWeight = upperWeight
        self.lowerWeight = lowerWeight
        self.count = count
    }

    @inline(__always)
    private func byte(_ x: Int) -> Int32 {
        ((Int32(upper[x]) &* upperWeight) &>> 16 &+ (Int32(lower[x]) &* lowerWeight) &>> 16 &+ 2) &>> 2
    }

    /// Numbers in 0...1, by a division: a product with 1/255 would differ in the last bit.
    func writeUnit(to output: UnsafeMutablePointer<Float>) {
        for x in 0..<count { output[x] = Float(byte(x)) / 255 }
    }

    func write(to output: UnsafeMutablePointer<Float>, table: [Float]) {
        table.withUnsafeBufferPointer { values in
            for x in 0..<count { output[x] = values[Int(byte(x))] }
        }
    }
}
