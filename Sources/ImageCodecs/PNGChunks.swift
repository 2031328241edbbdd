import Imaging

/// The chunks of a PNG file.
struct PNGChunks {
    private let bytes: UnsafeRawBufferPointer

    /// - Parameter bytes: a file, including its signature.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Whether pixels cannot be decoded without chunks of a kind: all those whose first letter is a capital, known or not, and `tRNS`.
    private static func isNeeded(_ kind: Int) -> Bool { kind & 0x2000_0000 == 0 || kind == code("tRNS") }

    /// Chunks that the library reads at no cost and that change no pixels.
    private static let harmlessKinds = Set(["pHYs", "tIME", "bKGD", "sBIT", "sRGB", "eXIf"].map(code))

    /// Calls a function with the file, reduced to the chunks that hold the pixels where it has others.
    ///
    /// Comments and color profiles may be compressed, kilobytes that become megabytes, and libpng keeps up to a thousand of
    /// them. It would also change pixels by `gAMA` and `cHRM`, which the libraries that models are trained with ignore.
    func withoutMetadata(
        _ body: (UnsafeRawBufferPointer) throws(ImageCodecError) -> Image
    ) throws(ImageCodecError) -> Image {
        var needsCopy = false
        forEach { kind, _ in
            needsCopy = !Self.isNeeded(kind) && !Self.harmlessKinds.contains(kind)
            return !needsCopy
        }
        guard needsCopy else { return try body(bytes) }
        var file = [UInt8](bytes.prefix(8))
        file.reserveCapacity(bytes.count)
        let rest = forEach { kind, chunk in
            if Self.isNeeded(kind) { file += bytes[chunk] }
            return true
        }
        file += bytes[rest...]  // a chunk that is cut off, for the library to report
        var outcome = Result<Image, ImageCodecError>.failure(.corrupt("it has no chunks"))
        file.withUnsafeBytes { file in
            do throws(ImageCodecError) { outcome = .success(try body(file)) } catch { outcome = .failure(error) }
        }
        return try outcome.get()
    }

    /// The orientation of an `eXIf` chunk that comes before the image data.
    var orientation: Orientation {
        var orientation = Orientation.up
        forEach { kind, chunk in
            if kind == Self.code("eXIf") {
                orientation = Orientation(
                    tiff: UnsafeRawBufferPointer(rebasing: bytes[chunk].dropFirst(8).dropLast(4)))
                return false
            }
            return kind != Self.code("IDAT")
        }
        return orientation
    }

    /// Visits every complete chunk, including its length, kind and checksum, until the function returns `false`.
    /// - Returns: where the visited chunks end.
    @discardableResult
    private func forEach(_ visit: (_ kind: Int, _ chunk: Range<Int>) -> Bool) -> Int {
        var at = min(8, bytes.count)
        while at + 12 <= bytes.count {
            let length = bytes.bigEndian(at: at)
            guard length <= bytes.count - at - 12 else { break }
            let chunk = at..<at + 12 + length
            at = chunk.upperBound
            guard visit(bytes.bigEndian(at: chunk.lowerBound + 4), chunk) else { break }
        }
        return at
    }

    /// The four letters of a kind as a number.
    private static func code(_ kind: String) -> Int { kind.utf8.reduce(0) { $0 << 8 | Int($1) } }
}
