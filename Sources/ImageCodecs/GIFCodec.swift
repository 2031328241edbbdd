import CImageCodecs
import Imaging

/// GIF by giflib, but for rare codes: the first image of the file; transparent pixels have the palette's color. Reading only.
struct GIFCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        let frame = try GIFFrame(bytes)
        return ImageHeader(
            size: try limits.check(width: frame.canvasWidth, height: frame.canvasHeight), orientation: .up,
            // The indices of rare codes, which giflib does not read.
            workingMemory: frame.codesAt < bytes.count && bytes[frame.codesAt] > 8 ? frame.width * frame.height : 0)
    }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, minimumSize: ImageSize
    ) throws(ImageCodecError) -> RasterImage {
        let frame = try GIFFrame(bytes)
        guard frame.canvasWidth == header.size.width, frame.canvasHeight == header.size.height else {
            throw .corrupt("its size is unclear")
        }
        // giflib refuses codes of more bits.
        if frame.codesAt < bytes.count, bytes[frame.codesAt] > 8 { return try wideImage(bytes, frame, header.size) }
        var source = MemorySource(bytes: bytes, at: 0)
        var code: Int32 = 0
        return try withUnsafeMutablePointer(to: &source) { (source) throws(ImageCodecError) -> RasterImage in
            guard let file = DGifOpen(source, readGIF, &code) else { throw Self.error(code) }
            defer { DGifCloseFile(file, nil) }
            do throws(ImageCodecError) {
                try skipToImage(file)
                return try firstImage(file, frame, size: header.size)
            } catch .corrupt(let reason) where source.pointee.isOver {
                throw .truncated(reason)
            }
        }
    }

    func encode(_ image: RasterImage, quality: Int) throws(ImageCodecError) -> [UInt8] {
        throw .notWritable(as: "GIF", reason: "only JPEG, PNG and WebP are")
    }

    /// Passes extensions, such as comments, that come before the first image.
    private func skipToImage(_ file: UnsafeMutablePointer<GifFileType>) throws(ImageCodecError) {
        while true {
            var record = UNDEFINED_RECORD_TYPE
            guard DGifGetRecordType(file, &record) != GIF_ERROR else { throw Self.error(file.pointee.Error) }
            switch record {
            case IMAGE_DESC_RECORD_TYPE:
                guard DGifGetImageDesc(file) != GIF_ERROR else { throw Self.error(file.pointee.Error) }
                return
            case EXTENSION_RECORD_TYPE:
                var kind: Int32 = 0
                var block: UnsafeMutablePointer<GifByteType>?
                guard DGifGetExtension(file, &kind, &block) != GIF_ERROR else { throw Self.error(file.pointee.Error) }
                while block != nil {
                    guard DGifGetExtensionNext(file, &block) != GIF_ERROR else { throw Self.error(file.pointee.Error) }
                }
            default: throw .corrupt("it has no image")
            }
        }
    }

    private func firstImage(
        _ file: UnsafeMutablePointer<GifFileType>, _ frame: GIFFrame, size: ImageSize
    ) throws(ImageCodecError) -> RasterImage {
        let found = file.pointee.Image
        guard Int(found.Left) == frame.left, Int(found.Top) == frame.top, Int(found.Width) == frame.width,
            Int(found.Height) == frame.height, frame.width > 0, frame.height > 0,
            frame.left + frame.width <= size.width, frame.top + frame.height <= size.height,
            let lineLength = Int32(exactly: frame.width)
        else { throw .corrupt("its first image is unclear") }
        let palette = palette(of: file)
        // Pillow fills what the image leaves free with the transparent color, or with the first one.
        let outside = palette[frame.transparentIndex ?? 0]
        var image = RasterImage(size: size, color: outside)
        var line = [GifPixelType](repeating: 0, count: frame.width)
        for y in rows(of: frame) {
            guard DGifGetLine(file, &line, lineLength) != GIF_ERROR else { throw Self.error(file.pointee.Error) }
            write(line[...], palette, at: y, of: frame, to: &image)
        }
        return image
    }

    /// The first image of a file whose codes begin with more bits than giflib reads.
    private func wideImage(
        _ bytes: UnsafeRawBufferPointer, _ frame: GIFFrame, _ size: ImageSize
    ) throws(ImageCodecError) -> RasterImage {
        guard frame.width > 0, frame.height > 0, frame.left + frame.width <= size.width,
            frame.top + frame.height <= size.height
        else { throw .corrupt("its first image is unclear") }
        let stored = frame.paletteBytes
        let palette = (0..<256).map { index in
            let at = stored.lowerBound + 3 * index
            guard at + 3 <= stored.upperBound else {
                let gray = stored.isEmpty ? UInt8(truncatingIfNeeded: index) : 0
                return RGBColor(red: gray, green: gray, blue: gray)
            }
            return RGBColor(red: bytes[at], green: bytes[at + 1], blue: bytes[at + 2])
        }
        // checked: the size is within the limits
        let indices = try GIFCodes.indices(in: bytes, at: frame.codesAt, count: frame.width * frame.height)
        var image = RasterImage(size: size, color: palette[frame.transparentIndex ?? 0])
        for (index, y) in rows(of: frame).enumerated() {
            write(indices[index * frame.width..<(index + 1) * frame.width], palette, at: y, of: frame, to: &image)
        }
        return image
    }

    /// An image's rows in the order of the file: those of interlaced images come in four passes.
    private func rows(of frame: GIFFrame) -> [Int] {
        let passes = frame.isInterlaced ? [(0, 8), (4, 8), (2, 4), (1, 2)] : [(0, 1)]
        return passes.flatMap { first, step in Array(stride(from: first, to: frame.height, by: step)) }
    }

    private func write(
        _ line: ArraySlice<UInt8>, _ palette: [RGBColor], at y: Int, of frame: GIFFrame, to image: inout RasterImage
    ) {
        var at = 3 * ((frame.top + y) * image.size.width + frame.left)
        for index in line {
            let value = palette[Int(index)]
            (image.pixels[at], image.pixels[at + 1], image.pixels[at + 2]) = (value.red, value.green, value.blue)
            at += 3
        }
    }

    /// 256 colors: those of the image or of the file, black where both have fewer; grays where neither has any.
    private func palette(of file: UnsafeMutablePointer<GifFileType>) -> [RGBColor] {
        guard let map = file.pointee.Image.ColorMap ?? file.pointee.SColorMap, let colors = map.pointee.Colors,
            map.pointee.ColorCount > 0
        else { return (0...UInt8.max).map { RGBColor(red: $0, green: $0, blue: $0) } }
        let count = Int(map.pointee.ColorCount)
        return (0..<256).map { index in
            guard index < count else { return .black }
            return RGBColor(red: colors[index].Red, green: colors[index].Green, blue: colors[index].Blue)
        }
    }

    private static func error(_ code: Int32) -> ImageCodecError {
        let message = GifErrorString(code).map { String(cString: $0) } ?? "it cannot be read"
        return [D_GIF_ERR_READ_FAILED, D_GIF_ERR_EOF_TOO_SOON].contains(code) ? .truncated(message) : .corrupt(message)
    }
}

/// Bytes that a C library reads one after the other.
struct MemorySource {
    let bytes: UnsafeRawBufferPointer
    var at: Int
    /// Whether more was read than there is.
    var isOver = false
}

/// Behind the end there is a zero, which ends an image: giflib looks for it when all pixels are there, and Pillow does not.
private func readGIF(
    _ file: UnsafeMutablePointer<GifFileType>?, _ output: UnsafeMutablePointer<GifByteType>?, _ count: Int32
) -> Int32 {
    guard let source = file?.pointee.UserData?.assumingMemoryBound(to: MemorySource.self), let output, count > 0 else {
        return 0
    }
    let length = min(Int(count), source.pointee.bytes.count - source.pointee.at)
    guard length > 0, let base = source.pointee.bytes.baseAddress else {
        defer { source.pointee.isOver = true }
        guard count == 1, !source.pointee.isOver else { return 0 }
        output.pointee = 0
        return 1
    }
    UnsafeMutableRawPointer(output).copyMemory(from: base + source.pointee.at, byteCount: length)
    source.pointee.at += length
    return Int32(clamping: length)
}
