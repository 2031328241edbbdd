/// The chunks of a WebP file's RIFF container, as far as they say how its first image is shown.
///
/// Source: RFC 9649, section 2.
struct WebPChunks {
    /// An image of an animation: where it lies on the canvas, and its data, which is laid out like a file without a container.
    struct Frame {
        let left: Int
        let top: Int
        let width: Int
        let height: Int
        let data: UnsafeRawBufferPointer
    }

    private(set) var orientation = Orientation.up
    private(set) var firstFrame: Frame?

    /// Maximum number of chunks that are visited; an animation has one for each image.
    private static let maxChunks = 100_000

    /// - Parameter bytes: a file, including its signature.
    init(_ bytes: UnsafeRawBufferPointer) {
        var exif: Orientation?, xmp: Orientation?
        var at = 12
        for _ in 0..<Self.maxChunks {
            guard at + 8 <= bytes.count else { break }
            let length = bytes.littleEndianUnsigned32(at: at + 4)
            guard length <= bytes.count - at - 8 else { break }
            let body = UnsafeRawBufferPointer(rebasing: bytes[at + 8..<at + 8 + length])
            let kind = bytes[at..<at + 4]
            if exif == nil, kind.elementsEqual("EXIF".utf8) { exif = Orientation(exif: body) }
            if xmp == nil, kind.elementsEqual("XMP ".utf8) { xmp = Orientation(xmp: body) }
            if firstFrame == nil, kind.elementsEqual("ANMF".utf8), length > 16 { firstFrame = Self.frame(body) }
            at += 8 + length + length % 2
        }
        orientation = exif ?? xmp ?? .up
    }

    private static func frame(_ body: UnsafeRawBufferPointer) -> Frame {
        func number(_ at: Int) -> Int { Int(body[at]) | Int(body[at + 1]) << 8 | Int(body[at + 2]) << 16 }
        return Frame(
            left: 2 * number(0), top: 2 * number(3), width: number(6) + 1, height: number(9) + 1,
            data: UnsafeRawBufferPointer(rebasing: body[16...]))
    }
}
