import CImageCodecs

/// A TIFF file opened by libtiff, at its first image. The bytes must outlive it.
final class TIFFFile {
    let handle: OpaquePointer
    private let source: UnsafeMutablePointer<MemorySource>

    init(_ bytes: UnsafeRawBufferPointer) throws(ImageCodecError) {
        guard Self.isSilent else { throw .corrupt("it cannot be read") }
        source = .allocate(capacity: 1)
        source.initialize(to: MemorySource(bytes: bytes, at: 0))
        guard
            let handle = TIFFClientOpen(
                "memory", "rm", source, readTIFF, { _, _, _ in 0 }, seekTIFF, { _ in 0 }, sizeTIFF, nil, nil)
        else {
            source.deallocate()
            throw .corrupt("it has no valid TIFF header and directory")
        }
        self.handle = handle
    }

    deinit {
        TIFFClose(handle)
        source.deallocate()
    }

    /// libtiff prints what it does not like; errors are told by us.
    private static let isSilent: Bool = {
        TIFFSetErrorHandler(nil)
        TIFFSetWarningHandler(nil)
        return true
    }()

    /// A field of 16 bits; `nil` where the file does not have it.
    func field16(_ tag: Int32) -> UInt16? {
        var value: UInt16 = 0
        return withUnsafeMutablePointer(to: &value) { pointer in
            withVaList([pointer]) { TIFFVGetField(handle, UInt32(bitPattern: tag), $0) } == 1 ? pointer.pointee : nil
        }
    }

    /// A field of 32 bits; `nil` where the file does not have it.
    func field32(_ tag: Int32) -> UInt32? {
        var value: UInt32 = 0
        return withUnsafeMutablePointer(to: &value) { pointer in
            withVaList([pointer]) { TIFFVGetField(handle, UInt32(bitPattern: tag), $0) } == 1 ? pointer.pointee : nil
        }
    }

    /// What the samples after those of the color are for.
    var extraSamples: [UInt16] {
        var count: UInt16 = 0
        var list: UnsafeMutablePointer<UInt16>?
        let found = withUnsafeMutablePointer(to: &count) { count in
            withUnsafeMutablePointer(to: &list) { list in
                withVaList([count, list]) { TIFFVGetField(handle, UInt32(bitPattern: TIFFTAG_EXTRASAMPLES), $0) }
            }
        }
        guard found == 1, let list else { return [] }
        return Array(UnsafeBufferPointer(start: list, count: Int(count)))
    }

    /// The palette as bytes, `1 << bits` colors; the libraries of other tools take the upper bytes of its 16-bit values as well.
    func palette(bits: Int) -> [(red: UInt8, green: UInt8, blue: UInt8)]? {
        guard (1...16).contains(bits) else { return nil }
        var lists: (UnsafeMutablePointer<UInt16>?, UnsafeMutablePointer<UInt16>?, UnsafeMutablePointer<UInt16>?) = (
            nil, nil, nil
        )
        let found = withUnsafeMutablePointer(to: &lists.0) { red in
            withUnsafeMutablePointer(to: &lists.1) { green in
                withUnsafeMutablePointer(to: &lists.2) { blue in
                    withVaList([red, green, blue]) { TIFFVGetField(handle, UInt32(bitPattern: TIFFTAG_COLORMAP), $0) }
                }
            }
        }
        guard found == 1, let red = lists.0, let green = lists.1, let blue = lists.2 else { return nil }
        return (0..<1 << bits).map { (UInt8(red[$0] >> 8), UInt8(green[$0] >> 8), UInt8(blue[$0] >> 8)) }
    }

    /// How many pixels a sample of Cb and Cr stands for, across and down.
    var chromaSubsampling: (across: UInt16, down: UInt16) {
        var across: UInt16 = 2, down: UInt16 = 2
        withUnsafeMutablePointer(to: &across) { across in
            withUnsafeMutablePointer(to: &down) { down in
                withVaList([across, down]) {
                    _ = TIFFVGetFieldDefaulted(handle, UInt32(bitPattern: TIFFTAG_YCBCRSUBSAMPLING), $0)
                }
            }
        }
        return (across, down)
    }

    /// The name of the kind of JPEG that the first strip or tile holds, if it is one that this build of libtiff may not decode.
    func unusualJPEG(in bytes: UnsafeRawBufferPointer) -> String? {
        guard Int32(field16(TIFFTAG_COMPRESSION) ?? 1) == COMPRESSION_JPEG,
            let start = Int(exactly: TIFFGetStrileOffset(handle, 0)),
            let length = Int(exactly: TIFFGetStrileByteCount(handle, 0)), start < bytes.count
        else { return nil }
        return JPEGSegments(UnsafeRawBufferPointer(rebasing: bytes[start...].prefix(length))).unusualKind
    }

    /// Makes libtiff turn the colors of JPEG data into RGB.
    func decodesJPEGAsRGB() -> Bool {
        withVaList([JPEGCOLORMODE_RGB]) { TIFFVSetField(handle, UInt32(bitPattern: TIFFTAG_JPEGCOLORMODE), $0) } == 1
    }

    /// Checks that the strips or tiles hold about as much as the image: a tile is decoded as a whole, however little of
    /// it lies within the image.
    /// - Returns: how many bytes of the file the largest of them takes.
    func checkParts(height: UInt32, planes: UInt64, fileSize: UInt64) throws(ImageCodecError) -> UInt64 {
        let isTiled = TIFFIsTiled(handle) != 0
        let partSize = isTiled ? TIFFTileSize64(handle) : TIFFStripSize64(handle)
        let count = UInt64(isTiled ? TIFFNumberOfTiles(handle) : TIFFNumberOfStrips(handle))
        let (total, overflow) = partSize.multipliedReportingOverflow(by: count)
        // The strips of separate planes are those of one channel each, and so is a scanline.
        let (rows, tooMany) = planes.multipliedReportingOverflow(by: UInt64(height))
        let (imageSize, tooLarge) = TIFFScanlineSize64(handle).multipliedReportingOverflow(by: rows)
        guard !overflow, !tooMany, !tooLarge, total / 4 <= imageSize.addingReportingOverflow(1 << 24).partialValue,
            imageSize < 1 << 50
        else { throw .corrupt("its strips or tiles hold far more than the image") }
        // Each part is read anew, also where parts overlap.
        var stored: UInt64 = 0, largest: UInt64 = 0
        for part in 0..<UInt32(clamping: count) {
            let length = min(TIFFGetStrileByteCount(handle, part), 1 << 32)
            stored &+= length
            largest = max(largest, length)
            guard stored / 8 <= fileSize + (1 << 20) else { throw .corrupt("its strips or tiles overlap") }
        }
        return min(largest, fileSize)
    }
}

private func readTIFF(_ handle: thandle_t?, _ output: UnsafeMutableRawPointer?, _ count: tmsize_t) -> tmsize_t {
    guard let source = handle?.assumingMemoryBound(to: MemorySource.self), let output, count > 0 else { return 0 }
    let length = min(Int(count), source.pointee.bytes.count - source.pointee.at)
    guard length > 0, let base = source.pointee.bytes.baseAddress else { return 0 }
    output.copyMemory(from: base + source.pointee.at, byteCount: length)
    source.pointee.at += length
    return tmsize_t(length)
}

private func seekTIFF(_ handle: thandle_t?, _ offset: toff_t, _ whence: Int32) -> toff_t {
    guard let source = handle?.assumingMemoryBound(to: MemorySource.self) else { return toff_t.max }
    let count = source.pointee.bytes.count
    let base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? source.pointee.at : count
    let (target, overflow) = base.addingReportingOverflow(Int(truncatingIfNeeded: offset))
    guard !overflow, (0...count).contains(target) else { return toff_t.max }
    source.pointee.at = target
    return toff_t(target)  // checked: 0...count
}

private func sizeTIFF(_ handle: thandle_t?) -> toff_t {
    toff_t(handle?.assumingMemoryBound(to: MemorySource.self).pointee.bytes.count ?? 0)  // checked: a count
}
