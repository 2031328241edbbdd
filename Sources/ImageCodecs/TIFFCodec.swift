import CImageCodecs
import Imaging

/// TIFF by libtiff's RGBA interface: the first picture of the file, any compression and kind of colour that libtiff was built with;
/// alpha is dropped. Reading only.
struct TIFFCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        let (width, height) = try withPicture(bytes) { (Int($0.width), Int($0.height)) }
        return ImageHeader(size: try limits.check(width: width, height: height), orientation: Orientation(tiff: bytes))
    }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, enough: ImageSize
    ) throws(ImageCodecError) -> Image {
        let size = header.size
        let raster = try withPicture(bytes) { picture in
            // As it is stored; it is turned later like pictures of other formats.
            picture.req_orientation = picture.orientation
            var succeeded = false
            let raster = [UInt32](unsafeUninitializedCapacity: size.area) { output, count in
                output.baseAddress?.initialize(repeating: 0, count: size.area)
                succeeded =
                    TIFFRGBAImageGet(&picture, output.baseAddress, UInt32(size.width), UInt32(size.height)) == 1
                count = size.area
            }
            return succeeded ? raster : nil
        }
        guard let raster else { throw .corrupt("its picture data is incomplete or damaged") }
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * size.area) { output, count in
            for (i, value) in raster.enumerated() {
                output[3 * i] = UInt8(truncatingIfNeeded: value)
                output[3 * i + 1] = UInt8(truncatingIfNeeded: value >> 8)
                output[3 * i + 2] = UInt8(truncatingIfNeeded: value >> 16)
            }
            count = 3 * size.area
        }
        return Image(size: size, pixels: pixels)
    }

    func encode(_ image: Image, quality: Int) throws(ImageCodecError) -> [UInt8] {
        throw .unsupported("not writable as TIFF")
    }

    /// libtiff prints what it does not like; errors are told by us.
    private static let isSilent: Bool = {
        TIFFSetErrorHandler(nil)
        TIFFSetWarningHandler(nil)
        return true
    }()

    /// Checks that the strips or tiles hold about as much as the image: a tile is decoded as a whole, however little of
    /// it lies within the image.
    private func checkParts(of file: OpaquePointer, fileSize: UInt64) throws(ImageCodecError) {
        let isTiled = TIFFIsTiled(file) != 0
        let partSize = isTiled ? TIFFTileSize64(file) : TIFFStripSize64(file)
        let count = UInt64(isTiled ? TIFFNumberOfTiles(file) : TIFFNumberOfStrips(file))
        let (total, overflow) = partSize.multipliedReportingOverflow(by: count)
        // The strips of separate planes are those of one channel each, and so is a scanline.
        let planes =
            Self.field(TIFFTAG_PLANARCONFIG, of: file) == UInt16(PLANARCONFIG_SEPARATE)
            ? UInt64(max(Self.field(TIFFTAG_SAMPLESPERPIXEL, of: file) ?? 1, 1)) : 1
        let (imageSize, tooLarge) = TIFFScanlineSize64(file).multipliedReportingOverflow(
            by: planes * UInt64(Self.height(of: file)))
        guard !overflow, !tooLarge, total / 4 <= imageSize + (1 << 24) else {
            throw .corrupt("its strips or tiles hold far more than the image")
        }
        // Each part is read anew, also where parts overlap.
        var stored: UInt64 = 0
        for part in 0..<UInt32(clamping: count) {
            stored &+= min(TIFFGetStrileByteCount(file, part), 1 << 32)
            guard stored / 8 <= fileSize + (1 << 20) else { throw .corrupt("its strips or tiles overlap") }
        }
    }

    /// A field of 16 bits; `nil` where the file does not have it.
    private static func field(_ tag: Int32, of file: OpaquePointer) -> UInt16? {
        var value: UInt16 = 0
        return withUnsafeMutablePointer(to: &value) { pointer in
            withVaList([pointer]) { TIFFVGetField(file, UInt32(tag), $0) } == 1 ? pointer.pointee : nil
        }
    }

    private static func height(of file: OpaquePointer) -> UInt32 {
        var height: UInt32 = 0
        return withUnsafeMutablePointer(to: &height) { pointer in
            withVaList([pointer]) { TIFFVGetField(file, UInt32(TIFFTAG_IMAGELENGTH), $0) } == 1 ? pointer.pointee : 0
        }
    }

    private func withPicture<Result>(
        _ bytes: UnsafeRawBufferPointer, _ body: (inout TIFFRGBAImage) -> Result
    ) throws(ImageCodecError) -> Result {
        guard Self.isSilent else { throw .corrupt("it cannot be read") }
        var source = MemorySource(bytes: bytes, at: 0)
        return try withUnsafeMutablePointer(to: &source) { (source) throws(ImageCodecError) -> Result in
            guard
                let file = TIFFClientOpen(
                    "memory", "rm", source, readTIFF, { _, _, _ in 0 }, seekTIFF, { _ in 0 }, sizeTIFF, nil, nil)
            else { throw .corrupt("it has no valid TIFF header") }
            defer { TIFFClose(file) }
            try checkParts(of: file, fileSize: UInt64(bytes.count))
            var picture = TIFFRGBAImage()
            var message = [CChar](repeating: 0, count: 1024)
            guard TIFFRGBAImageBegin(&picture, file, 0, &message) == 1 else {
                let text = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                throw .unsupported("a TIFF of a kind that cannot be read (\(text.isEmpty ? "no picture" : text))")
            }
            defer { TIFFRGBAImageEnd(&picture) }
            return body(&picture)
        }
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
    return toff_t(target)
}

private func sizeTIFF(_ handle: thandle_t?) -> toff_t {
    toff_t(handle?.assumingMemoryBound(to: MemorySource.self).pointee.bytes.count ?? 0)
}
