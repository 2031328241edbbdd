public import Imaging

extension Mask {
    /// The mask on another grid, each of whose pixels is the one at `floor(position * ratio)`: how PyTorch repeats pixels.
    func repeated(to size: ImageSize) -> Mask {
        guard size != imageSize else { return self }
        let columns = (0..<size.width).map { $0 * imageSize.width / size.width }
        var builder = MaskBuilder(imageSize: size, top: 0, rowCapacity: size.height)
        for y in 0..<size.height {
            let row = y * imageSize.height / size.height
            for x in 0..<size.width where contains(x: columns[x], y: row) { builder.append(from: x, to: x + 1) }
            builder.endRow()
        }
        return builder.mask
    }

    /// Returns the mask on another grid over the same image. Each pixel takes the value at its center (nearest
    /// neighbor).
    public func resized(to size: ImageSize) -> Mask {
        guard size != imageSize else { return self }
        let down = Double(imageSize.height) / Double(size.height)
        let across = Double(size.width) / Double(imageSize.width)
        /// The first pixel whose center lies at or behind the left edge of a cell.
        func pixel(_ cell: Int32) -> Int { Int((Double(cell) * across - 0.5).rounded(.up)) }
        var builder = MaskBuilder(imageSize: size, top: 0, rowCapacity: size.height)
        for y in 0..<size.height {
            for run in runs(inRow: Int((Double(y) + 0.5) * down)) {
                builder.append(from: max(pixel(run.start), 0), to: min(pixel(run.end), size.width))
            }
            builder.endRow()
        }
        return builder.mask
    }
}
