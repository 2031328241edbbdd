import CImageCodecs
import Imaging

/// TIFF and BigTIFF by libtiff: the first image of the file, in strips or tiles, with any compression that libtiff was built with; alpha
/// is dropped. Reading only.
struct TIFFCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        let file = try TIFFFile(bytes)
        let layout = try TIFFLayout(file)
        let size = try limits.check(width: Int(layout.width), height: Int(layout.height))
        let stored = try file.checkParts(
            height: layout.height, planes: UInt64(layout.planes), fileSize: UInt64(bytes.count))
        return ImageHeader(
            size: size, orientation: Orientation(tiff: bytes),
            workingMemory: Self.workingMemory(layout, file, size, storedPart: Int(clamping: stored)))
    }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, minimumSize: ImageSize
    ) throws(ImageCodecError) -> RasterImage {
        let file = try TIFFFile(bytes)
        do throws(ImageCodecError) {
            return try decode(file, header)
        } catch {
            // A kind that the library cannot decode is told by its name.
            guard let kind = file.unusualJPEG(in: bytes) else { throw error }
            throw .unsupported("a TIFF that holds \(kind)")
        }
    }

    private func decode(_ file: TIFFFile, _ header: ImageHeader) throws(ImageCodecError) -> RasterImage {
        let layout = try TIFFLayout(file)
        guard Int(layout.width) == header.size.width, Int(layout.height) == header.size.height else {
            throw .corrupt("its size is unclear")
        }
        if case .converted = layout.color { return try converted(file, header.size) }
        var outcome = Result<Void, ImageCodecError>.success(())
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * header.size.area) { output, count in
            guard let base = output.baseAddress else { return }
            do throws(ImageCodecError) {
                try TIFFReader(file: file, layout: layout, size: header.size).read(to: base)
                count = 3 * header.size.area
            } catch { outcome = .failure(error) }
        }
        try outcome.get()
        return RasterImage(size: header.size, pixels: pixels)
    }

    func encode(_ image: RasterImage, quality: Int) throws(ImageCodecError) -> [UInt8] {
        throw .notWritable(as: "TIFF", reason: "only JPEG, PNG and WebP are")
    }

    private static func workingMemory(
        _ layout: TIFFLayout, _ file: TIFFFile, _ size: ImageSize, storedPart: Int
    ) -> Int {
        // A tile, or a strip where its codec reads it as a whole, and what it is decoded from.
        let part = TIFFIsTiled(file.handle) != 0 ? TIFFTileSize64(file.handle) : TIFFStripSize64(file.handle)
        var pixels = layout.isSeparate ? layout.usedPlanes * size.area : 0
        var count = 1
        if case .converted = layout.color {
            // libtiff's pixels with opacity, and the parts of all planes at once.
            (pixels, count) = (4 * size.area, layout.planes)
        }
        let (parts, overflow) = Int(clamping: part).multipliedReportingOverflow(by: count)
        let (sum, isTooLarge) = parts.addingReportingOverflow(pixels + storedPart)
        return overflow || isTooLarge ? .max : sum
    }

    /// Pixels of a kind whose colors libtiff itself turns into RGB.
    private func converted(_ file: TIFFFile, _ size: ImageSize) throws(ImageCodecError) -> RasterImage {
        var picture = TIFFRGBAImage()
        var message = [CChar](repeating: 0, count: 1024)
        guard TIFFRGBAImageBegin(&picture, file.handle, 0, &message) == 1 else {
            let text = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw .unsupported("a TIFF of a kind that cannot be read (\(text.isEmpty ? "no image" : text))")
        }
        defer { TIFFRGBAImageEnd(&picture) }
        guard let width = UInt32(exactly: size.width), let height = UInt32(exactly: size.height),
            picture.width == width,
            picture.height == height
        else { throw .corrupt("its size is unclear") }
        // As it is stored; it is turned later like images of other formats.
        picture.req_orientation = picture.orientation
        var succeeded = false
        let raster = [UInt32](unsafeUninitializedCapacity: size.area) { output, count in
            output.baseAddress?.initialize(repeating: 0, count: size.area)
            succeeded = TIFFRGBAImageGet(&picture, output.baseAddress, width, height) == 1
            count = size.area
        }
        guard succeeded else { throw .corrupt("its image data is incomplete or damaged") }
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * size.area) { output, count in
            for (i, value) in raster.enumerated() {
                output[3 * i] = UInt8(truncatingIfNeeded: value)
                output[3 * i + 1] = UInt8(truncatingIfNeeded: value >> 8)
                output[3 * i + 2] = UInt8(truncatingIfNeeded: value >> 16)
            }
            count = 3 * size.area
        }
        return RasterImage(size: size, pixels: pixels)
    }
}
