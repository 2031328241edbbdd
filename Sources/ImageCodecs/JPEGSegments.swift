import CImageCodecs

/// The segments of a JPEG file, found as the decoder finds them: anything between two of them is skipped.
struct JPEGSegments {
    private(set) var orientation = Orientation.up
    /// Number of components that the first frame has; 0 where there is no frame.
    private(set) var componentCount = 0
    /// Whether the image is put together from several passes over all of its pixels: the file is progressive, or the first scan lacks
    /// components.
    private(set) var hasSeveralScans = false
    /// Whether the data is coded arithmetically, which takes several times as long to decode.
    private(set) var isArithmetic = false
    /// The number of the first frame's marker, which says how the file is coded; 0 where there is no frame.
    private var frameMarker: UInt8 = 0
    private var bitsPerSample: UInt8 = 8

    /// Reads the segments before the first scan.
    init(_ bytes: UnsafeRawBufferPointer) {
        var markers = Markers(bytes)
        var exif: Orientation?, xmp: Orientation?
        defer { orientation = exif ?? xmp ?? .up }
        while let segment = markers.next() {
            let body = segment.body
            switch segment.marker {
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF, 0xF7:  // a frame; 4, 8 and 12 are tables
                readFrame(segment.marker, body)
            case 0xDA:
                if let first = body.first, Int(first) < componentCount { hasSeveralScans = true }
                return
            case 0xE1 where exif == nil && body.starts(with: Self.exifPrefix):
                exif = Orientation(exif: body)
            case 0xE1 where xmp == nil && body.starts(with: Self.xmpPrefix):
                xmp = Orientation(xmp: body)
            default: break
            }
        }
    }

    private static let exifPrefix = Array("Exif\0\0".utf8)
    private static let xmpPrefix = Array("http://ns.adobe.com/xap/1.0/\0".utf8)

    private mutating func readFrame(_ marker: UInt8, _ body: UnsafeRawBufferPointer) {
        if marker & 3 == 2, marker != 0xF7 { hasSeveralScans = true }
        if marker > 0xC8, marker != 0xF7 { isArithmetic = true }
        guard frameMarker == 0, body.count > 5 else { return }
        frameMarker = marker
        bitsPerSample = body[0]
        componentCount = Int(body[5])
    }

    /// The name of a kind of JPEG that decoders for photographs do not read; `nil` for all others.
    var unusualKind: String? {
        switch frameMarker {
        case 0xF7: "a JPEG-LS file"
        case 0xC3, 0xC7, 0xCB, 0xCF: "a lossless JPEG"
        case 0xC5, 0xC6, 0xCD, 0xCE: "a hierarchical JPEG"
        case 0: nil
        default: bitsPerSample == 8 ? nil : "a JPEG of \(bitsPerSample) bits a sample"
        }
    }

    /// Counts the scans of a file, up to a limit.
    static func scanCount(_ bytes: UnsafeRawBufferPointer, limit: Int) -> Int {
        var markers = Markers(bytes)
        var count = 0
        while count < limit, let segment = markers.next() {
            if segment.marker == 0xDA { count += 1 }
        }
        return count
    }

    /// Walks from marker to marker until the end of the image or of the file.
    private struct Markers {
        private let bytes: UnsafeRawBufferPointer
        private var at = 2

        init(_ bytes: UnsafeRawBufferPointer) {
            self.bytes = bytes
        }

        mutating func next() -> (marker: UInt8, body: UnsafeRawBufferPointer)? {
            while at < bytes.count, let base = bytes.baseAddress,
                let hit = memchr(base + at, 0xFF, bytes.count - at)
            {
                at = base.distance(to: UnsafeRawPointer(hit))
                while at < bytes.count, bytes[at] == 0xFF { at += 1 }  // fill bytes
                guard at < bytes.count else { return nil }
                let marker = bytes[at]
                at += 1
                switch marker {
                case 0, 1, 0xD0...0xD7: continue  // data of a scan; markers without a body
                case 0xD8, 0xD9: return nil
                default: break
                }
                guard at + 2 <= bytes.count else { return nil }
                // As for the decoder, a length that leaves out its own two bytes is that of an empty segment.
                let length = max(Int(bytes[at]) << 8 | Int(bytes[at + 1]), 2)
                guard length <= bytes.count - at else { return nil }
                defer { at += length }
                return (marker, UnsafeRawBufferPointer(rebasing: bytes[at + 2..<at + length]))
            }
            return nil
        }
    }
}
