import CImageCodecs
import Imaging

/// Reads the strips or tiles of a TIFF file.
struct TIFFReader {
    let file: TIFFFile
    let layout: TIFFLayout
    let size: ImageSize

    /// Reads all pixels.
    /// - Parameter output: room for `3 * size.area` bytes.
    /// - Throws: `ImageCodecError`.
    func read(to output: UnsafeMutablePointer<UInt8>) throws(ImageCodecError) {
        let rows = TIFFRows(layout)
        guard layout.isSeparate else {
            var bytes = [UInt8](repeating: 0, count: layout.samples * size.width)
            try readPlane(0) { x, y, count, row in
                bytes.withUnsafeMutableBufferPointer { bytes in
                    guard let base = bytes.baseAddress else { return }
                    rows.reduce(row, count: count * layout.samples, to: base)
                    rows.color(
                        base, step: layout.samples, distance: 1, width: count, to: output + 3 * (y * size.width + x))
                }
            }
            return
        }
        // The samples of a color, each an image of its own, one after the other.
        let used = layout.usedPlanes
        var planes = [UInt8](repeating: 0, count: used * size.area)
        try planes.withUnsafeMutableBufferPointer { (planes) throws(ImageCodecError) in
            guard let base = planes.baseAddress else { return }
            for plane in 0..<used {
                try readPlane(plane) { x, y, count, row in
                    rows.reduce(row, count: count, to: base + plane * size.area + y * size.width + x)
                }
            }
            for y in 0..<size.height {
                rows.color(
                    base + y * size.width, step: 1, distance: size.area, width: size.width,
                    to: output + 3 * y * size.width)
            }
        }
    }

    private func readPlane(
        _ plane: Int, _ use: (_ x: Int, _ y: Int, _ count: Int, _ row: UnsafeRawBufferPointer) -> Void
    ) throws(ImageCodecError) {
        guard let sample = UInt16(exactly: plane) else { throw .corrupt("it has too many samples") }
        if TIFFIsTiled(file.handle) != 0 {
            try readTiles(sample, use)
        } else {
            try readRows(sample, use)
        }
    }

    private func readRows(
        _ sample: UInt16, _ use: (_ x: Int, _ y: Int, _ count: Int, _ row: UnsafeRawBufferPointer) -> Void
    ) throws(ImageCodecError) {
        let length = Int(clamping: TIFFScanlineSize64(file.handle))
        guard length >= layout.rowBytes(width: size.width), length < 1 << 40 else {
            throw .corrupt("its rows are shorter than the image")
        }
        let row = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 16)
        defer { row.deallocate() }
        row.initializeMemory(as: UInt8.self, repeating: 0)
        for y in 0..<layout.height {
            guard TIFFReadScanline(file.handle, row.baseAddress, y, sample) == 1 else { throw Self.damaged }
            use(0, Int(y), size.width, UnsafeRawBufferPointer(row))
        }
    }

    private func readTiles(
        _ sample: UInt16, _ use: (_ x: Int, _ y: Int, _ count: Int, _ row: UnsafeRawBufferPointer) -> Void
    ) throws(ImageCodecError) {
        let length = Int(clamping: TIFFTileSize64(file.handle)), stride = Int(clamping: TIFFTileRowSize64(file.handle))
        guard let tileWidth = file.field32(TIFFTAG_TILEWIDTH), let tileHeight = file.field32(TIFFTAG_TILELENGTH),
            tileWidth > 0, tileHeight > 0, stride >= layout.rowBytes(width: Int(tileWidth)),
            length / Int(tileHeight) >= stride, length < 1 << 40
        else { throw .corrupt("its tiles are smaller than they say") }
        let tile = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 16)
        defer { tile.deallocate() }
        tile.initializeMemory(as: UInt8.self, repeating: 0)
        for y in Swift.stride(from: 0, to: size.height, by: Int(tileHeight)) {
            for x in Swift.stride(from: 0, to: size.width, by: Int(tileWidth)) {
                guard
                    TIFFReadTile(file.handle, tile.baseAddress, UInt32(clamping: x), UInt32(clamping: y), 0, sample)
                        >= 0
                else { throw Self.damaged }
                let columns = min(Int(tileWidth), size.width - x), lines = min(Int(tileHeight), size.height - y)
                for line in 0..<lines {
                    use(x, y + line, columns, UnsafeRawBufferPointer(rebasing: tile[(line * stride)...]))
                }
            }
        }
    }

    private static let damaged = ImageCodecError.corrupt("its image data is incomplete or damaged")
}
