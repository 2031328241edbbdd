/// An image file format, recognized by the first bytes of a file and never by its name or media type.
public enum ImageFormat: String, CaseIterable, Sendable {
    case jpeg
    case png
    case webp
    case gif
    case bmp
    case tiff
    /// HEIC and AVIF.
    case heif

    /// Recognizes the format by the first bytes of a file; `nil` for other formats.
    public init?(signature bytes: some Collection<UInt8>) {
        let head = [UInt8](bytes.prefix(18))
        func begins(with signature: [UInt8], at offset: Int = 0) -> Bool {
            head.count >= offset + signature.count && Array(head[offset..<offset + signature.count]) == signature
        }
        if begins(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if begins(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if begins(with: Array("RIFF".utf8)), begins(with: Array("WEBP".utf8), at: 8) {
            self = .webp
        } else if begins(with: Array("GIF8".utf8)) {
            self = .gif
        } else if BMPCodec.isHeader(head) {
            self = .bmp
        } else if TIFFDirectory.byteOrder(of: head) != nil {
            self = .tiff
        } else if begins(with: Array("ftyp".utf8), at: 4), ForeignFormat.isoMedia(head) == nil {
            self = .heif
        } else {
            return nil
        }
    }

    /// The media type, such as `image/jpeg`.
    public var mediaType: String { "image/" + rawValue }

    /// The file name extensions, in lower case.
    public var fileExtensions: [String] {
        switch self {
        case .jpeg: ["jpg", "jpeg", "jpe", "jfif", "mpo"]
        case .png: ["png", "apng"]
        case .webp: ["webp"]
        case .gif: ["gif"]
        case .bmp: ["bmp", "dib"]
        case .tiff: ["tif", "tiff"]
        case .heif: ["heic", "heif", "hif", "avif"]
        }
    }

    /// The codec of the format.
    var codec: any ImageCodec {
        switch self {
        case .jpeg: JPEGCodec()
        case .png: PNGCodec()
        case .webp: WebPCodec()
        case .gif: GIFCodec()
        case .bmp: BMPCodec()
        case .tiff: TIFFCodec()
        case .heif: HEIFCodec()
        }
    }
}
