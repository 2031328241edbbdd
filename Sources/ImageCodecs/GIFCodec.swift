import CImageCodecs
import Imaging

/// GIF by giflib: the first picture of the file; what is transparent has the palette's colour. Reading only.
struct GIFCodec: ImageCodec {
    func header(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageCodecError) -> ImageHeader {
        guard bytes.count >= 13 else { throw .truncated("it ends within its header") }
        let size = try limits.check(width: bytes.littleEndian16(at: 6), height: bytes.littleEndian16(at: 8))
        return ImageHeader(size: size, orientation: .up)
    }

    func decode(
        _ bytes: UnsafeRawBufferPointer, header: ImageHeader, enough: ImageSize
    ) throws(ImageCodecError) -> Image {
        var source = MemorySource(bytes: bytes, at: 0)
        var code: Int32 = 0
        return try withUnsafeMutablePointer(to: &source) { (source) throws(ImageCodecError) -> Image in
            guard let file = DGifOpen(source, readGIF, &code) else { throw Self.error(code) }
            defer { DGifCloseFile(file, nil) }
            try skipToPicture(file)
            return try firstPicture(file, size: header.size)
        }
    }

    func encode(_ image: Image, quality: Int) throws(ImageCodecError) -> [UInt8] {
        throw .unsupported("not writable as GIF")
    }

    /// Passes extensions, such as comments, that stand before the first picture.
    private func skipToPicture(_ file: UnsafeMutablePointer<GifFileType>) throws(ImageCodecError) {
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
            default: throw .corrupt("it has no picture")
            }
        }
    }

    private func firstPicture(
        _ file: UnsafeMutablePointer<GifFileType>, size: ImageSize
    ) throws(ImageCodecError) -> Image {
        let frame = file.pointee.Image
        guard let map = frame.ColorMap ?? file.pointee.SColorMap, let colors = map.pointee.Colors else {
            throw .corrupt("it has no palette")
        }
        let (left, top, width, height) = (Int(frame.Left), Int(frame.Top), Int(frame.Width), Int(frame.Height))
        guard width > 0, height > 0, left >= 0, top >= 0, left + width <= size.width, top + height <= size.height else {
            throw .corrupt("its picture reaches over its edge")
        }
        let count = Int(map.pointee.ColorCount)
        guard count > 0 else { throw .corrupt("its palette is empty") }
        func color(_ index: Int) -> GifColorType { colors[min(index, count - 1)] }
        let background = color(max(Int(file.pointee.SBackGroundColor), 0))
        var image = Image(
            size: size, color: Color(red: background.Red, green: background.Green, blue: background.Blue))
        var line = [GifPixelType](repeating: 0, count: width)
        // Interlaced pictures come in four passes.
        let passes = frame.Interlace ? [(0, 8), (4, 8), (2, 4), (1, 2)] : [(0, 1)]
        for (first, step) in passes {
            for y in stride(from: first, to: height, by: step) {
                guard DGifGetLine(file, &line, Int32(width)) != GIF_ERROR else { throw Self.error(file.pointee.Error) }
                for x in 0..<width {
                    let value = color(Int(line[x]))
                    let at = 3 * ((top + y) * size.width + left + x)
                    (image.pixels[at], image.pixels[at + 1], image.pixels[at + 2]) = (
                        value.Red, value.Green, value.Blue
                    )
                }
            }
        }
        return image
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
}

private func readGIF(
    _ file: UnsafeMutablePointer<GifFileType>?, _ output: UnsafeMutablePointer<GifByteType>?, _ count: Int32
) -> Int32 {
    guard let source = file?.pointee.UserData?.assumingMemoryBound(to: MemorySource.self), let output, count > 0 else {
        return 0
    }
    let length = min(Int(count), source.pointee.bytes.count - source.pointee.at)
    guard length > 0, let base = source.pointee.bytes.baseAddress else { return 0 }
    UnsafeMutableRawPointer(output).copyMemory(from: base + source.pointee.at, byteCount: length)
    source.pointee.at += length
    return Int32(length)
}

extension UnsafeRawBufferPointer {
    /// A 16-bit number, least significant byte first. The two bytes must exist.
    func littleEndian16(at offset: Int) -> Int {
        Int(UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }

    /// A 32-bit number with a sign, least significant byte first. The four bytes must exist.
    func littleEndian32(at offset: Int) -> Int {
        Int(Int32(littleEndian: loadUnaligned(fromByteOffset: offset, as: Int32.self)))
    }
}
