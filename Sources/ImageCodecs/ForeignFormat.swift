/// A well-known file format that cannot be decoded here, recognized by its first bytes, so that an error can name it.
public struct ForeignFormat: Sendable {
    /// The name of the format with its article, such as "a PDF document".
    public let name: String

    /// Recognizes a format by the first bytes of a file; `nil` for unknown formats, and for those of `ImageFormat`.
    public init?(signature bytes: some RandomAccessCollection<UInt8>) {
        let head = [UInt8](bytes.prefix(1024))
        guard
            let found = Self.footer(bytes) ?? Self.targa(head) ?? Self.binary(head) ?? Self.isoMedia(head)
                ?? Self.portableMap(head) ?? Self.markup(head)
        else { return nil }
        name = found
    }

    private static let signatures: [(at: Int, bytes: [UInt8], name: String)] = [
        (0, [0xFF, 0x4F, 0xFF, 0x51], "a JPEG 2000 codestream"),
        (0, [0, 0, 0, 12] + Array("jP  ".utf8), "a JPEG 2000 file"),
        (0, [0xFF, 0x0A], "a JPEG XL codestream"),
        (0, [0, 0, 0, 12] + Array("JXL ".utf8), "a JPEG XL file"),
        (0, [0x49, 0x49, 0xBC], "a JPEG XR file"),
        (0, Array("8BPS\0".utf8), "a Photoshop document (PSD)"),
        (0, [0, 0, 1, 0], "an icon (ICO)"),
        (0, [0, 0, 2, 0], "a cursor (CUR)"),
        (0, Array("icns".utf8) + [0], "an icon (ICNS)"),
        (0, Array("%PDF".utf8), "a PDF document"),
        (0, Array("%!PS".utf8), "a PostScript document"),
        (0, [0xC5, 0xD0, 0xD3, 0xC6], "a PostScript document (EPS)"),
        (0, Array("gimp xcf".utf8), "a GIMP document (XCF)"),
        (0, Array("qoif".utf8) + [0], "a QOI image"),
        (0, Array("farbfeld".utf8) + [0], "a farbfeld image"),
        (0, Array("FLIF".utf8), "a FLIF image"),
        (0, [0x42, 0x50, 0x47, 0xFB], "a BPG image"),
        (0, [0x76, 0x2F, 0x31, 0x01], "an OpenEXR image"),
        (0, Array("#?RADIANCE".utf8), "a Radiance HDR image"),
        (0, Array("#?RGBE".utf8), "a Radiance HDR image"),
        (0, Array("DDS ".utf8) + [124, 0, 0, 0], "a DirectDraw surface (DDS)"),
        (0, [0xAB, 0x4B, 0x54, 0x58, 0x20], "a KTX texture"),
        (0, [0x8A, 0x4D, 0x4E, 0x47, 0x0D, 0x0A], "an MNG animation"),
        (0, [0x8B, 0x4A, 0x4E, 0x47, 0x0D, 0x0A], "a JNG image"),
        (0, [0x01, 0xDA, 0, 1], "an SGI image"), (0, [0x01, 0xDA, 1, 1], "an SGI image"),
        (0, [0x01, 0xDA, 0, 2], "an SGI image"), (0, [0x01, 0xDA, 1, 2], "an SGI image"),
        (0, [0x59, 0xA6, 0x6A, 0x95], "a Sun raster image"),
        (0, [0x0A, 0x05, 0x01], "a PCX image"), (0, [0x0A, 0x03, 0x01], "a PCX image"),
        (0, [0x0A, 0x02, 0x01], "a PCX image"),
        (0, Array("SIMPLE  =".utf8), "a FITS file"),
        (128, Array("DICM".utf8), "a DICOM file"),
        (0, [0x93] + Array("NUMPY".utf8), "a NumPy array"),
        (0, [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A], "an HDF5 file"),
        (0, Array("FUJIFILMCCD-RAW".utf8), "a camera's raw file (RAF)"),
        (0, Array("IIRO".utf8), "a camera's raw file (ORF)"), (0, Array("IIRS".utf8), "a camera's raw file (ORF)"),
        (0, Array("IIU\0".utf8), "a camera's raw file (RW2)"),
        (6, Array("HEAPCCDR".utf8), "a camera's raw file (CRW)"),
        (8, Array("AVI ".utf8), "a video (AVI)"), (8, Array("WAVE".utf8), "a sound file (WAV)"),
        (0, [0x1A, 0x45, 0xDF, 0xA3], "a video (Matroska or WebM)"),
        (0, [0, 0, 1, 0xBA], "a video (MPEG)"), (0, [0, 0, 1, 0xB3], "a video (MPEG)"),
        (0, [0x50, 0x4B, 3, 4], "a ZIP archive"), (0, [0x1F, 0x8B, 8], "a gzip archive"),
        (0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive"),
        (0, Array("Rar!".utf8) + [0x1A, 7], "a RAR archive"),
        (0, [0x28, 0xB5, 0x2F, 0xFD], "a Zstandard archive"),
        (0, [0xD0, 0xCF, 0x11, 0xE0], "an Office document"),
        (0, Array("FORM".utf8) + [0], "an IFF file"),
        (0, [0xD7, 0xCD, 0xC6, 0x9A], "a Windows metafile (WMF)"),
    ]

    /// A TGA image without the footer of its second version, which begins like an icon or a cursor. Those hold at least one image, and
    /// the fourth byte of its description is 0.
    private static func targa(_ head: [UInt8]) -> String? {
        guard head.count >= 18, head[0] == 0, head[3] == 0, head[4] | head[5] == 0 || head[9] != 0,
            (head[1] == 0 && head[2] == 2) || (head[1] == 1 && head[2] == 1), [8, 15, 16, 24, 32].contains(head[16]),
            head[12] | head[13] != 0, head[14] | head[15] != 0
        else { return nil }
        return "a TGA image"
    }

    private static func binary(_ head: [UInt8]) -> String? {
        signatures.first { head.dropFirst($0.at).starts(with: $0.bytes) }?.name
    }

    /// Containers like that of HEIF which hold something else.
    static func isoMedia(_ head: [UInt8]) -> String? {
        guard head.count >= 12, head[4..<8].elementsEqual("ftyp".utf8) else { return nil }
        let brand = String(decoding: head[8..<12], as: UTF8.self)
        switch brand {
        case "crx ": return "a camera's raw file (CR3)"
        case "qt  ": return "a video (QuickTime)"
        case "jxl ": return "a JPEG XL file"
        case "isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "M4V ", "M4A ", "dash", "MSNV", "3gp4",
            "3gp5", "3gp6":
            return "a video (MP4)"
        default: return nil
        }
    }

    /// PBM, PGM, PPM, PAM and PFM: `P`, a digit or letter, white space, and a number or comment.
    private static func portableMap(_ head: [UInt8]) -> String? {
        guard head.count >= 4, head[0] == UInt8(ascii: "P"), [9, 10, 13, 32].contains(head[2]) else { return nil }
        guard "1234567Ff".utf8.contains(head[1]) else { return nil }
        let third = head[3...].first { ![9, 10, 13, 32].contains($0) } ?? 0
        guard "0123456789#W-".utf8.contains(third) else { return nil }
        return "a portable map (PBM, PGM, PPM, PAM or PFM)"
    }

    /// Texts that begin with `<`.
    private static func markup(_ head: [UInt8]) -> String? {
        var text = head[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        text = text.drop { $0 == 32 || (9...13).contains($0) }
        guard text.first == UInt8(ascii: "<") else { return nil }
        let words = String(decoding: text, as: UTF8.self).lowercased()
        if words.hasPrefix("<!doctype html") || words.contains("<html") { return "a web page (HTML)" }
        if words.contains("<svg") || words.contains("<!doctype svg") { return "an SVG drawing" }
        return words.hasPrefix("<?xml") ? "an XML document" : "a web page (HTML)"
    }

    /// TGA has its signature at its end.
    private static func footer(_ bytes: some RandomAccessCollection<UInt8>) -> String? {
        guard bytes.count >= 44 else { return nil }
        return bytes.suffix(18).elementsEqual("TRUEVISION-XFILE.\0".utf8) ? "a TGA image" : nil
    }
}
