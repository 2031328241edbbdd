import Foundation
import ImageCodecs
import Testing

@Suite struct ForeignFormatTests {
    static let heads: [(String, [UInt8])] = [
        ("JPEG 2000", [0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20, 13, 10, 0x87, 10]),
        ("JPEG 2000", [0xFF, 0x4F, 0xFF, 0x51, 0, 41]),
        ("JPEG XL", [0xFF, 0x0A, 0x7A, 0x40]), ("JPEG XL", [0, 0, 0, 12, 0x4A, 0x58, 0x4C, 0x20, 13, 10, 0x87, 10]),
        ("PSD", Array("8BPS\0\u{1}\0\0".utf8)), ("ICO", [0, 0, 1, 0, 1, 0, 16, 16]), ("PDF", Array("%PDF-1.7\n".utf8)),
        ("SVG", Array("<svg xmlns='http://www.w3.org/2000/svg'/>".utf8)),
        ("SVG", Array("<?xml version='1.0'?>\n<!-- made by hand -->\n<svg/>".utf8)),
        ("portable map", Array("P6\n640 480\n255\n".utf8)), ("portable map", Array("P1 # dots\n2 2\n".utf8)),
        ("web page", Array("<!DOCTYPE html><html><body><svg/></body></html>".utf8)),
        ("web page", Array("\n  <html lang=en>".utf8)),
        ("XML", Array("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>".utf8)),
        ("video", Array("\0\0\0\u{18}ftypmp42\0\0\0\0mp42isom".utf8)), ("raw file", Array("\0\0\0\u{18}ftypcrx ".utf8)),
        ("TGA", [UInt8](repeating: 7, count: 40) + Array("TRUEVISION-XFILE.\0".utf8)),
        ("TGA", [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90, 0, 50, 0, 24, 0x20] + [UInt8](repeating: 9, count: 200)),
        ("TGA", [0, 0, 2] + [UInt8](repeating: 0, count: 40) + Array("TRUEVISION-XFILE.\0".utf8)),
        ("CUR", [0, 0, 2, 0, 1, 0, 32, 32, 0, 0, 5, 0, 5, 0, 0xA8, 0x0C, 0, 0, 0x16, 0, 0, 0]),
        ("DICOM", [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)), ("ZIP", [0x50, 0x4B, 3, 4, 20, 0]),
    ]

    @Test(arguments: heads) func knownFilesAreToldByName(name: String, head: [UInt8]) {
        #expect(ImageFormat(signature: head) == nil)
        #expect(ForeignFormat(signature: head)?.name.contains(name) ?? false)
        #expect {
            try EncodedImage(Data(head))
        } throws: { error in
            if case .unsupported(let found) = error as? ImageCodecError { found.contains(name) } else { false }
        }
    }

    /// Base64 and forms are no files of a foreign format, whatever they begin with.
    @Test(arguments: [
        "BMaGVsbG8gd29ybGQh", "8BPSaGVsbG8gd29ybGQh", "P6aGVsbG8=", "qoifAAAA", "FLIGHT", "image=abc", "{\"image\":1}",
        "II", "",
    ])
    func otherTextIsNothing(text: String) {
        #expect(ImageFormat(signature: Array(text.utf8)) == nil)
        #expect(ForeignFormat(signature: Array(text.utf8)) == nil)
    }

    @Test func everyVariantOfASignatureIsRecognized() {
        for head in [
            [0x49, 0x49, 43, 0, 8, 0], [0x4D, 0x4D, 0, 43, 0, 8], [0x4D, 0x4D, 42, 0], [0x49, 0x49, 0, 42],
        ] as [[UInt8]] {
            #expect(ImageFormat(signature: head) == .tiff)
        }
        for length in [12, 16, 40, 52, 56, 64, 108, 124] as [UInt8] {
            let head = Array("BM".utf8) + [1, 2, 3, 4, 5, 6, 7, 8, 54, 0, 0, 0, length, 0, 0, 0]
            #expect(ImageFormat(signature: head) == .bmp)
        }
    }
}
