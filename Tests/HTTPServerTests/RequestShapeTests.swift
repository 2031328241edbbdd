import Foundation
import ImageCodecs
import Imaging
import NIOCore
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// Bodies as browsers, libraries and hurried scripts send them.
@Suite struct RequestShapeTests {
    private let file = (try? RasterImage.gradient(width: 90, height: 50).encoded(as: .png)) ?? []
    private var base64: String { Data(file).base64EncodedString() }

    private func bytes(_ body: ImageBody) -> [UInt8]? {
        switch body.image {
        case .body(let buffer): Array(buffer.readableBytesView)
        case .data(let data): [UInt8](data)
        case .url, .none: nil
        }
    }

    private func read(_ text: String, _ contentType: String? = nil) throws -> ImageBody {
        try ImageBody(ByteBuffer(string: text), contentType: contentType)
    }

    private func lines(of text: String, every length: Int = 76, joinedBy separator: String) -> String {
        stride(from: 0, to: text.utf8.count, by: length).map { start in
            String(decoding: Array(text.utf8)[start..<min(start + length, text.utf8.count)], as: UTF8.self)
        }.joined(separator: separator)
    }

    // MARK: JSON

    @Test func textsOfControlCharactersAreRefusedBeforeTheyAreEscaped() {
        let body = #"{"image":""# + String(repeating: "\u{1}", count: 100_000) + #""}"#
        #expect {
            try ImageBody(ByteBuffer(string: body), contentType: nil)
        } throws: {
            if case .jsonTooComplex = $0 as? RequestError { true } else { false }
        }
    }

    @Test(arguments: ["\n", "\r\n", "\t\n", "\\\n"])
    func rawLineBreaksInATextAreRead(lineBreak: String) throws {
        let wrapped = lines(of: base64, joinedBy: lineBreak) + (lineBreak.hasPrefix("\\") ? "" : lineBreak)
        for json in [
            "{\"image\":\"\(wrapped)\",\"confidence\":10}",
            "{\"image\":{\"type\":\"base64\",\"value\":\"\(wrapped)\"}}",
            "[\"\(wrapped)\"]", "[{\"image\":\"\(wrapped)\"}]", "{\"image\":[\"\(wrapped)\"]}",
            "{\"type\":\"base64\",\"value\":\"\(wrapped)\"}",
        ] {
            #expect(bytes(try read(json)) == file, "\(json.prefix(30))")
        }
        #expect(try read("{\"image\":\"\(wrapped)\",\"confidence\":10}").fields.map(\.value) == ["10.0"])
    }

    @Test func theEscapesOfATextStayWhatTheyAre() throws {
        let body = try read("{\"image\":\"\(base64.replacing("/", with: "\\/"))\",\"name\":\"a\\\\\\\"\nb\\u0041\"}")
        #expect(bytes(body) == file && body.fields.map(\.value) == ["a\\\"\nbA"])
    }

    @Test(arguments: [
        ("{\n\"image\": 'AAAA'}", "line 2, column 10"),
        ("{\"image\":\"AAAA\"", "',' or '}' at line 1, column 16"), ("[\"AAAA\"", "',' or ']'"),
        ("{\"image\":NaN}", "a value"),
        ("{\"image\":\"A\\qA\"}", "column 13"), ("{\"image\" \"AAAA\"}", "':'"),
        ("{\"image\":\"AAAA", "a closing quote"),
        ("{\"image\":\"AAAA\"} x", "the end"),
    ])
    func malformedJSONIsToldWithItsPlace(json: String, place: String) {
        #expect { try read(json) } throws: {
            if case .malformedJSON(let reason) = $0 as? RequestError { reason.contains(place) } else { false }
        }
    }

    @Test func aListOfImagesIsNotOneImage() {
        for json in ["[\"\(base64)\",\"\(base64)\"]", "{\"image\":[\"\(base64)\",\"\(base64)\"]}", "[]"] {
            #expect { try read(json) } throws: {
                if case .invalidParameter(let parameter) = $0 as? RequestError {
                    parameter.name == "image"
                } else {
                    false
                }
            }
        }
    }

    // MARK: Base64

    @Test func plusSignsThatBecameSpacesAreRestored() throws {
        var random = SeededRandom(seed: 5)
        for trial in 0..<300 {
            // Many plus signs, also where lines begin and end.
            let bytes = (0..<Int.random(in: 1...700, using: &random)).map { _ in
                let any = UInt8.random(in: 0...255, using: &random)
                return [0xFB, 0xEF, 0xBE, any, any, any].randomElement(using: &random) ?? any
            }
            let plain = Data(bytes).base64EncodedString()
            for (length, lineBreak) in [(76, "\n"), (76, "\r\n"), (64, "\n"), (100_000, "\n")] {
                let spaced = lines(of: plain, every: length, joinedBy: lineBreak).replacing("+", with: " ")
                // Spaces at the ends of a text cannot be told from those around it.
                guard !plain.hasPrefix("+"), !plain.hasSuffix("++++") else { continue }
                let found = try Array((spaced + "\n").utf8).withUnsafeBytes { try [UInt8](Base64Body.decode($0)) }
                #expect(found == bytes, "trial \(trial), lines of \(length)")
            }
        }
    }

    @Test func indentationIsNotTakenForPlusSigns() throws {
        for indentation in ["    ", " ", "\t", "  \t "] {
            let text = lines(of: base64, joinedBy: "\n\(indentation)")
            for whole in [text, indentation + text, text + "  \n", text.replacing("\n", with: "  \n")] {
                let found = try Array(whole.utf8).withUnsafeBytes { try [UInt8](Base64Body.decode($0)) }
                #expect(found == file)
            }
        }
    }

    @Test func everyWrappingIsTakenOff() throws {
        let encoded = base64.replacing("+", with: "%2B").replacing("/", with: "%2F").replacing("=", with: "%3D")
        for text in [
            "b'\(base64)'", "'\(base64)'", "data:image/png;charset=utf-8;base64,\(base64)", "data:;base64,\(base64)",
            "data%3Aimage%2Fpng%3Bbase64%2C\(encoded)", "image/png;base64,\(base64)", "base64,\(base64)",
            encoded.replacing("%", with: "%25"), lines(of: base64, joinedBy: "\\n"), "\"\(base64)\\n\"",
            base64.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: ""),
            "DATA:IMAGE/PNG;BASE64,\(base64)\n",
        ] {
            let found = try? Array(text.utf8).withUnsafeBytes { try [UInt8](Base64Body.decode($0)) }
            #expect(found == file, "\(text.prefix(40))")
        }
        #expect(bytes(try read("image=data%3Aimage%2Fpng%3Bbase64%2C\(encoded)&confidence=3")) == file)
    }

    // MARK: Multipart

    private func form(_ heads: [String], lineBreak: String = "\r\n", boundary: String = "xyz") -> ByteBuffer {
        var buffer = ByteBuffer()
        for head in heads {
            buffer.writeString("--\(boundary)\(lineBreak)\(head)\(lineBreak)\(lineBreak)")
            buffer.writeBytes(file)
            buffer.writeString(lineBreak)
        }
        buffer.writeString("--\(boundary)--\(lineBreak)")
        return buffer
    }

    @Test(arguments: [
        "form-data; name=photo; filename*=utf-8''a%20b.jpg",
        "form-data; name=\"photo\"; filename*=UTF-8'en'%e2%82%ac.jpg",
        "form-data; name=\"photo\"; filename=\"a;b.jpg\"", "form-data; filename=\"a\\\"; name=x.jpg\"; name=\"photo\"",
        "form-data;name=photo;filename=a.jpg", "form-data; NAME=\"photo\"; FILENAME=\"ü.jpg\"",
        "form-data; name=\"photo\"; filename=\"\"", "form-data; name=\"photo\"; filename*0*=utf-8''a; filename*1=b.jpg",
        "form-data; name*=utf-8''photo; filename=\"C:\\dir\\a.jpg\"",
        "form-data; name=\"photo\";\r\n filename=\"a.jpg\"",
        "form-data; name=photo; filename*=iso-8859-1''%E4.jpg", "form-data; name=photo; filename",
    ])
    func aPartWithAFileNameIsTheImage(disposition: String) throws {
        let body = form(["Content-Disposition: \(disposition)\r\nContent-Type: image/png"])
        let found = try? ImageBody(body, contentType: "multipart/form-data; boundary=xyz")
        if disposition.hasSuffix("filename") {
            #expect(found == nil)  // a parameter without a value is none
        } else {
            #expect(found.flatMap(bytes) == file)
        }
    }

    @Test func theNamesOfPartsAreRead() throws {
        let parameters = HeaderParameters(
            "form-data; name=\"a\\\"b;c\"; filename=x; filename*=utf-8''%C3%BC.jpg; y = \" z \"")
        #expect(parameters["name"] == "a\"b;c" && parameters["filename"] == "ü.jpg" && parameters["y"] == " z ")
        #expect(HeaderParameters("form-data; name=\"open")["name"] == "open")
        for text in ["", ";", ";;=;", "; =x", "a;b;c", ";\"", "x; a=\"\\"] { _ = HeaderParameters(text) }
    }

    @Test func aFormIsReadWithoutItsBoundaryAndWithPlainLineFeeds() throws {
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\""
        for type in [nil, "multipart/form-data", "multipart/form-data; boundary=other", "image/png"] {
            #expect(bytes(try ImageBody(form([head]), contentType: type)) == file)
        }
        #expect(
            bytes(try ImageBody(form([head], lineBreak: "\n"), contentType: "multipart/form-data; boundary=xyz"))
                == file)
        let quoted = "multipart/form-data; charset=utf-8; boundary=\"x;y z\""
        #expect(bytes(try ImageBody(form([head], boundary: "x;y z"), contentType: quoted)) == file)
    }

    @Test func aLongerDelimiterInAPartDoesNotEndIt() throws {
        let text = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n"
        let content = Data(file).base64EncodedString() + "\r\n"
        let body = ByteBuffer(string: text + content + "\r\n--b--\r\n")
        #expect(bytes(try ImageBody(body, contentType: "multipart/form-data; boundary=b")) == file)
        let form = try Array((text + "x\r\n--bc\r\ny\r\n--b--\r\n").utf8).withUnsafeBytes { bytes in
            try MultipartForm(bytes, boundary: "b").parts.map { String(decoding: bytes[$0.content], as: UTF8.self) }
        }
        #expect(form == ["x\r\n--bc\r\ny"])
    }

    @Test func aFileFieldThatWasLeftAloneIsNotTheImage() throws {
        let text =
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n"
            + "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n\(base64)\r\n--b--\r\n"
        #expect(bytes(try ImageBody(ByteBuffer(string: text), contentType: "multipart/form-data; boundary=b")) == file)
    }

    @Test(arguments: [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian])
    func textInUTF16IsNamed(encoding: String.Encoding) throws {
        for text in [base64, "{\"image\":\"\(base64)\"}"] {
            let bytes = Array(try #require(("\u{FEFF}" + text).data(using: encoding)))
            #expect {
                try ImageBody(ByteBuffer(bytes: bytes), contentType: nil)
            } throws: {
                if case .notUTF8 = $0 as? RequestError { true } else { false }
            }
        }
    }

    // MARK: Addresses

    @Test(arguments: ["HTTP://h/a.jpg", "  https://h/a.jpg\n", "Https://h/a b.jpg"])
    func anAddressIsKnownInAnyCase(text: String) throws {
        for body in [try read("{\"image\":\"\(text.trimmingCharacters(in: .newlines))\"}"), try read("image=\(text)")] {
            if case .url = body.image {} else { Issue.record("not an address: \(text)") }
        }
    }
}
