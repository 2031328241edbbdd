/// The cells of one level of a network, each of which proposes objects.
struct AnchorGrid {
    let width: Int
    let height: Int
    /// The number of cells in the levels before; a cell's number counts from there.
    let first: Int
    /// Side of a cell in network pixels.
    let stride: Double

    var count: Int { width * height }

    /// The grids of levels whose maps `[1, channels, height, width]` are named, finest first.
    /// - Throws: `SegmentationError.unexpectedShape` where one is not such a map.
    static func grids(of maps: [String], channels: Int?, in result: InferenceResult, networkWidth: Int) throws
        -> [AnchorGrid]
    {
        var first = 0
        return try maps.map { name in
            let shape = try result.output(name).shape
            guard shape.count == 4, shape[0] == 1, channels == nil || shape[1] == channels, shape[2] > 0, shape[3] > 0
            else {
                throw SegmentationError.unexpectedShape(
                    tensor: name, found: shape,
                    expected: "[1, \(channels.map(String.init) ?? "channels"), height, width]")
            }
            defer { first += shape[2] * shape[3] }
            return AnchorGrid(
                width: shape[3], height: shape[2], first: first, stride: Double(networkWidth) / Double(shape[3]))
        }
    }

    /// A map of this level.
    /// - Throws: `SegmentationError.unexpectedShape` where it has other cells or channels.
    func map(_ name: String, channels: Int, in result: InferenceResult) throws -> Tensor {
        let tensor = try result.output(name)
        guard tensor.shape == [1, channels, height, width] else {
            throw SegmentationError.unexpectedShape(
                tensor: name, found: tensor.shape, expected: "[1, \(channels), \(height), \(width)]")
        }
        return tensor
    }
}
