import CImageCodecs
import Imaging

/// How a TIFF file stores its first image.
struct TIFFLayout {
    /// What a pixel's samples are.
    enum Color {
        case gray(isInverted: Bool)
        case rgb
        case palette([(red: UInt8, green: UInt8, blue: UInt8)])
        case inks
        /// Y, Cb and Cr of every pixel.
        case ycbcr
        /// CIE L*a*b*: lightness, and two signed components.
        case lab
        /// Layouts that libtiff itself converts to RGB, such as YCbCr with subsampling and LogLuv.
        case converted
    }

    /// What a sample's bits are.
    enum Number {
        case unsigned, signed, float
    }

    let width: UInt32
    let height: UInt32
    let color: Color
    let number: Number
    let bits: Int
    /// Samples of a pixel, those that are no colors included.
    let samples: Int
    /// Whether each sample has an image of its own.
    let isSeparate: Bool
    /// Whether the colors were multiplied by the opacity, which is the first sample after them.
    let isPremultiplied: Bool

    /// - Throws: `ImageCodecError`.
    init(_ file: TIFFFile) throws(ImageCodecError) {
        guard let width = file.field32(TIFFTAG_IMAGEWIDTH), let height = file.field32(TIFFTAG_IMAGELENGTH) else {
            throw .corrupt("it does not say its size")
        }
        (self.width, self.height) = (width, height)
        bits = Int(file.field16(TIFFTAG_BITSPERSAMPLE) ?? 1)
        samples = Int(file.field16(TIFFTAG_SAMPLESPERPIXEL) ?? 1)
        guard (1...64).contains(bits), (1...64).contains(samples) else {
            throw .unsupported("a TIFF of \(samples) samples of \(bits) bits a pixel")
        }
        isSeparate = samples > 1 && Int32(file.field16(TIFFTAG_PLANARCONFIG) ?? 1) == PLANARCONFIG_SEPARATE
        number = Self.number(file.field16(TIFFTAG_SAMPLEFORMAT))
        let photometric = Int32(file.field16(TIFFTAG_PHOTOMETRIC) ?? UInt16(PHOTOMETRIC_MINISWHITE))
        let isJPEG = Int32(file.field16(TIFFTAG_COMPRESSION) ?? 1) == COMPRESSION_JPEG
        var color = try Self.color(photometric, bits: bits, samples: samples, file)
        if photometric == PHOTOMETRIC_YCBCR, isJPEG, !isSeparate, bits == 8, samples == 3, file.decodesJPEGAsRGB() {
            color = .rgb
        }
        // Pillow asks libtiff for the colors only where the data is compressed.
        let isPlain = Int32(file.field16(TIFFTAG_COMPRESSION) ?? 1) == COMPRESSION_NONE
        if photometric == PHOTOMETRIC_YCBCR, isPlain, bits == 8, samples == 3, file.chromaSubsampling == (1, 1) {
            color = .ycbcr
        }
        if photometric == PHOTOMETRIC_CIELAB, bits == 8, samples == 3 { color = .lab }
        if !Self.isReadable(bits, number) { color = .converted }
        if case .palette = color, bits > 8 { color = .converted }
        self.color = color
        let colors = color.sampleCount
        isPremultiplied = samples > colors && file.extraSamples.first == UInt16(EXTRASAMPLE_ASSOCALPHA)
    }

    private static func number(_ format: UInt16?) -> Number {
        switch Int32(format ?? 1) {
        case SAMPLEFORMAT_INT: .signed
        case SAMPLEFORMAT_IEEEFP: .float
        default: .unsigned
        }
    }

    private static func color(
        _ photometric: Int32, bits: Int, samples: Int, _ file: TIFFFile
    ) throws(ImageCodecError) -> Color {
        switch photometric {
        case PHOTOMETRIC_MINISWHITE, PHOTOMETRIC_MINISBLACK, PHOTOMETRIC_MASK:
            // Like Pillow and OpenCV this leaves inverted gray of more than 8 bits as it is.
            return .gray(isInverted: photometric == PHOTOMETRIC_MINISWHITE && bits <= 8)
        case PHOTOMETRIC_RGB where samples >= 3: return .rgb
        case PHOTOMETRIC_PALETTE:
            guard let palette = file.palette(bits: bits) else { throw .corrupt("it has no palette") }
            return .palette(palette)
        case PHOTOMETRIC_SEPARATED where samples >= 4: return .inks
        case PHOTOMETRIC_YCBCR where samples == 1: return .gray(isInverted: false)
        case PHOTOMETRIC_CFA: throw .unsupported("a camera's raw file")
        default: return .converted
        }
    }

    private static func isReadable(_ bits: Int, _ number: Number) -> Bool {
        switch number {
        case .float: bits == 32 || bits == 64
        case .signed: [8, 16, 32].contains(bits)
        case .unsigned: (1...16).contains(bits) || bits == 32
        }
    }

    /// Number of images of one sample each, or 1.
    var planes: Int { isSeparate ? samples : 1 }
    /// Number of images of one sample each that a color is made of, opacity included where the color depends on it.
    var usedPlanes: Int { min(color.sampleCount + (isPremultiplied ? 1 : 0), samples) }
    /// Samples that lie next to each other in a row.
    var rowSamples: Int { isSeparate ? 1 : samples }
    /// Bytes of a row of `width` pixels.
    func rowBytes(width: Int) -> Int { (width * rowSamples * bits + 7) / 8 }  // checked: 2^32 * 64 * 64 fits an Int
}

extension TIFFLayout.Color {
    /// Number of samples that make a color.
    var sampleCount: Int {
        switch self {
        case .gray, .palette: 1
        case .rgb, .ycbcr, .lab, .converted: 3
        case .inks: 4
        }
    }
}
