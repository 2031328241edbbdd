/// An error in decoding or encoding an image.
public enum ImageCodecError: Error, Sendable, CustomStringConvertible {
    /// The bytes do not start with the signature of a known format.
    case unrecognized
    /// The format is known, but this file of it cannot be decoded. The value names what is not supported.
    case unsupported(String)
    /// The file ends before the image does.
    case truncated(String)
    /// The file is invalid.
    case corrupt(String)
    /// The image exceeds the limits.
    case tooLarge(width: Int, height: Int, limits: ImageLimits)
    /// The image cannot be written in the given format.
    case notWritable(as: String, reason: String)
    /// A library could not allocate memory for the image.
    case outOfMemory

    public var description: String {
        switch self {
        case .unrecognized:
            "The data is not an image; accepted are \(Self.accepted)."
        case .unsupported(let what):
            "The file is \(what), which is not supported; accepted are \(Self.accepted)."
        case .truncated(let reason):
            "The image is truncated: \(reason)."
        case .corrupt(let reason):
            "The image is corrupt: \(reason)."
        case .notWritable(let format, let reason):
            "The image cannot be written as \(format): \(reason)."
        case .outOfMemory:
            "There is no memory for the image."
        case .tooLarge(let width, let height, let limits):
            "The image is \(width)x\(height) pixels; the limit is "
                + (max(width, height) > limits.side
                    ? "\(limits.side) pixels on a side." : "\(limits.pixels) pixels in all.")
        }
    }

    private static var accepted: String {
        "JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP, GIF"
    }
}

extension ImageFormat {
    /// The format of a file.
    /// - Throws: `ImageCodecError.unsupported` with the name of a well-known foreign format, or `.unrecognized`.
    init(recognizing bytes: UnsafeRawBufferPointer) throws(ImageCodecError) {
        if let format = ImageFormat(signature: bytes) {
            self = format
        } else if let foreign = ForeignFormat(signature: bytes) {
            throw .unsupported(foreign.name)
        } else {
            throw .unrecognized
        }
    }
}
