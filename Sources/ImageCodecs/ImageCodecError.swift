/// Why bytes could not be turned into a picture.
public enum ImageCodecError: Error, Sendable, CustomStringConvertible {
    /// The bytes are of no format that is known.
    case unrecognized
    /// The format is known but cannot be decoded here.
    case unsupported(String)
    /// The file ends before the picture does.
    case truncated(String)
    /// The file contradicts itself.
    case corrupt(String)
    /// The picture is larger than the limits allow.
    case tooLarge(width: Int, height: Int, limits: ImageLimits)

    public var description: String {
        switch self {
        case .unrecognized:
            "The data is not an image; accepted are \(Self.accepted)."
        case .unsupported(let what):
            "The image is \(what), which is not supported; accepted are \(Self.accepted)."
        case .truncated(let reason):
            "The image is truncated: \(reason)."
        case .corrupt(let reason):
            "The image is corrupt: \(reason)."
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
