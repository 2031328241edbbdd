import Foundation
import Testing

@testable import HTTPServer

@Suite struct Base64BodyTests {
    let bytes: [UInt8] = (0..<500).map { UInt8(truncatingIfNeeded: $0 * 37 + $0 / 7) }
    var text: String { Data(bytes).base64EncodedString() }

    private func decode(_ text: String) throws -> [UInt8] {
        try Array(text.utf8).withUnsafeBytes { try [UInt8](Base64Body.decode($0)) }
    }

    private func broken(every length: Int, with separator: String) -> String {
        var rest = text[...]
        var lines: [Substring] = []
        while !rest.isEmpty {
            lines.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return lines.joined(separator: separator) + separator
    }

    @Test func everyShapeThatClientsSendIsRead() throws {
        let shapes: [String: String] = [
            "plain": text,
            "Ruby": broken(every: 60, with: "\n"),
            "base64": broken(every: 76, with: "\n"),
            "CRLF": broken(every: 76, with: "\r\n"),
            "spaces at line ends": broken(every: 76, with: " \n"),
            "tabs": broken(every: 76, with: "\t\n"),
            "data URL": "data:image/jpeg;base64," + text,
            "data URL with parameters": "DATA:image/PNG;name=a.png;base64," + text,
            "quotes": "\"" + text + "\"",
            "quotes and newline": "\"" + text + "\"\n",
            "URL-safe": text.replacing("+", with: "-").replacing("/", with: "_"),
            "no padding": text.replacing("=", with: ""),
            "too much padding": text + "==",
            "percent-encoded": text.replacing("+", with: "%2B").replacing("/", with: "%2f").replacing("=", with: "%3D"),
            "percent-encoded lines": broken(every: 76, with: "%0A"),
            "plus as space": text.replacing("+", with: " "),
            "byte order mark": "\u{FEFF}" + text,
        ]
        for (name, shape) in shapes { #expect(try decode(shape) == bytes, "\(name)") }
    }

    @Test func everyLengthIsRead() throws {
        for length in 1...40 {
            let part = Array(bytes[..<length])
            let text = Data(part).base64EncodedString()
            #expect(try decode(text) == part)
            #expect(try decode(text.replacing("=", with: "")) == part)
            #expect(try decode(text + "\n") == part)
        }
    }

    @Test(arguments: [
        "abc!", "{\"a\":1}", "ab\u{0}c", "%", "%4", "%GG", "%41%", "AAAA====BBBB", "A", "AAAAA", "äöü", "QUJD=QUJD",
    ])
    func whatIsNotBase64IsMalformed(text: String) {
        #expect(throws: Base64Body.Failure.malformed) { try decode(text) }
    }

    @Test(arguments: ["", " ", "\n\n", "data:image/jpeg;base64,", "\"\"", "===="]) func nothingIsEmpty(text: String) {
        #expect(throws: Base64Body.Failure.empty) { try decode(text) }
    }

    @Test(.timeLimit(.minutes(1))) func manySpacesTakeNoLonger() {
        let spaces = String(repeating: " ", count: 8 << 20)
        _ = try? decode("AAAA" + spaces + "AAAA")
        _ = try? decode("AAAA" + String(repeating: " \n", count: 4 << 20))
        _ = try? decode(String(repeating: "%20", count: 3 << 20))
    }

    @Test func randomBytesNeverCrash() {
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...12)).map { _ in UInt8.random(in: 0...255) }
            _ = bytes.withUnsafeBytes { try? Base64Body.decode($0) }
        }
    }
}
