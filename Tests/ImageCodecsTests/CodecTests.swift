import ImageCodecs
import Imaging
import TestSupport
import Testing

@Suite struct CodecTests {
    let picture = RasterImage.gradient(width: 61, height: 47)

    @Test(arguments: [ImageFormat.jpeg, .png, .webp])
    func aPictureSurvivesBeingWrittenAndRead(format: ImageFormat) throws {
        let file = try picture.encoded(as: format, quality: 95)
        #expect(ImageFormat(signature: file) == format)
        let read = try RasterImage(decoding: file)
        #expect(read.size == picture.size)
        // PNG loses nothing; the others lose a little, more in the blue channel's fast ramps.
        #expect(read.difference(to: picture) <= (format == .png ? 0 : 25))
    }

    @Test(arguments: [ImageFormat.jpeg, .png, .webp])
    func aTruncatedFileIsAnErrorAtEveryLength(format: ImageFormat) throws {
        let file = try picture.encoded(as: format)
        // The last bytes of a file carry no pixels (JPEG's end marker, PNG's IEND); all shorter ones must fail.
        for length in stride(from: 0, to: file.count - 24, by: 7) {
            #expect(throws: ImageCodecError.self) { try RasterImage(decoding: Array(file[..<length])) }
        }
    }

    @Test func whatCannotBeWrittenIsToldWithTheFormat() {
        let tall = RasterImage(size: ImageSize(width: 2, height: 65_520), color: .black)
        for (image, format, name) in [
            (tall, ImageFormat.jpeg, "JPEG"), (tall, .webp, "WebP"), (picture, .gif, "GIF"), (picture, .heif, "HEIF"),
        ] {
            #expect { try image.encoded(as: format) } throws: { error in
                guard case .notWritable(name, let reason)? = error as? ImageCodecError else { return false }
                return !reason.isEmpty && "\(error)".hasPrefix("The image cannot be written as \(name): ")
            }
        }
    }

    @Test func anEmptyOrUnknownFileIsUnrecognized() {
        for bytes in [[], [0], Array("hello, world".utf8)] as [[UInt8]] {
            #expect { try RasterImage(decoding: bytes) } throws: { error in
                if case .unrecognized = error as? ImageCodecError { true } else { false }
            }
        }
    }

    @Test func aContainerOfAnotherKindIsUnsupported() {
        let video = Array("\0\0\0\u{18}ftypmp42\0\0\0\0mp42isom".utf8)
        #expect { try RasterImage(decoding: video) } throws: { error in
            if case .unsupported = error as? ImageCodecError { true } else { false }
        }
    }

    @Test func aHeaderThatClaimsTooMuchIsRefusedBeforeMemoryIsTaken() throws {
        var png = try picture.encoded(as: .png)
        png.replaceSubrange(16..<24, with: [0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF])
        #expect { try RasterImage(decoding: png) } throws: { error in
            if case .tooLarge(65_535, 65_535, _) = error as? ImageCodecError { true } else { false }
        }
        png.replaceSubrange(16..<24, with: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: ImageCodecError.self) { try RasterImage(decoding: png) }
        png.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0, 0, 0, 0])
        #expect(throws: ImageCodecError.self) { try RasterImage(decoding: png) }
    }

    @Test func limitsHoldForEveryFormat() throws {
        let limits = ImageLimits(pixels: 61 * 47 - 1)
        for format in [ImageFormat.jpeg, .png, .webp] {
            let file = try picture.encoded(as: format)
            #expect(throws: ImageCodecError.self) { try RasterImage(decoding: file, limits: limits) }
            #expect(throws: Never.self) {
                try RasterImage(decoding: file, limits: ImageLimits(pixels: 61 * 47, side: 61))
            }
            #expect(throws: ImageCodecError.self) { try RasterImage(decoding: file, limits: ImageLimits(side: 60)) }
        }
    }

    @Test func aJPEGSignatureWithoutAPictureIsCorrupt() {
        #expect(throws: ImageCodecError.self) { try RasterImage(decoding: [0xFF, 0xD8, 0xFF, 0xD9]) }
        #expect(throws: ImageCodecError.self) {
            try RasterImage(decoding: [0xFF, 0xD8, 0xFF] + [UInt8](repeating: 0x41, count: 4000))
        }
    }

    @Test func aJPEGIsShrunkWhileDecodingNoFurtherThanAsked() throws {
        let large = RasterImage.gradient(width: 403, height: 301)
        let file = try large.encoded(as: .jpeg)
        let half = try RasterImage(decoding: file, enough: { _ in ImageSize(width: 180, height: 130) })
        #expect(half.size == ImageSize(width: 202, height: 151))
        #expect(half.originalSize == large.size)
        let eighth = try RasterImage(decoding: file, enough: { _ in ImageSize(width: 51, height: 38) })
        #expect(eighth.size == ImageSize(width: 51, height: 38))
        let whole = try RasterImage(decoding: file, enough: { _ in ImageSize(width: 203, height: 10) })
        #expect(whole.size == large.size)
    }

    @Test func everySingleByteChangeIsReadOrRefusedButNeverCrashes() throws {
        var random = SystemRandomNumberGenerator()
        for format in [ImageFormat.jpeg, .png, .webp] {
            let file = try RasterImage.gradient(width: 20, height: 15).encoded(as: format)
            for at in file.indices {
                var damaged = file
                damaged[at] = UInt8.random(in: 0...255, using: &random)
                _ = try? RasterImage(decoding: damaged, limits: ImageLimits(pixels: 1_000_000))
            }
        }
    }
}
