/// The chunks of a PNG file.
struct PNGChunks {
    private let bytes: UnsafeRawBufferPointer

    /// - Parameter bytes: a file, including its signature.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The orientation in an `eXIf` chunk, before the image data or after it, in the text chunk that ImageMagick writes instead, or in
    /// XMP, in this order of precedence.
    var orientation: Orientation {
        var exif: Orientation?, profile: Orientation?, xmp: Orientation?
        var texts = 0
        forEach { kind, chunk in
            let body = UnsafeRawBufferPointer(rebasing: bytes[chunk].dropFirst(8).dropLast(4))
            if kind == Self.code("eXIf") {
                exif = Orientation(exif: body)
            } else if Self.textKinds.contains(kind), texts < Self.maxTexts, let text = PNGText(body, kind: kind) {
                texts += 1
                if text.keyword == "XML:com.adobe.xmp" { xmp = text.content.withUnsafeBytes(Orientation.init(xmp:)) }
                if text.keyword == "Raw profile type exif" {
                    profile = text.hexadecimalProfile.withUnsafeBytes(Orientation.init(exif:))
                }
            }
            return true
        }
        return exif ?? profile ?? xmp ?? .up
    }

    private static let textKinds = Set(["tEXt", "zTXt", "iTXt"].map(code))
    /// Maximum number of text chunks with metadata that are read.
    private static let maxTexts = 8

    /// Visits every complete chunk, including its length, kind and checksum, until the function returns `false`.
    private func forEach(_ visit: (_ kind: Int, _ chunk: Range<Int>) -> Bool) {
        var at = min(8, bytes.count)
        while at + 12 <= bytes.count {
            let length = bytes.bigEndian(at: at)
            guard length <= bytes.count - at - 12 else { break }
            let chunk = at..<at + 12 + length
            at = chunk.upperBound
            guard visit(bytes.bigEndian(at: chunk.lowerBound + 4), chunk) else { break }
        }
    }

    /// The four letters of a kind as a number.
    static func code(_ kind: String) -> Int { kind.utf8.reduce(0) { $0 << 8 | Int($1) } }
}
