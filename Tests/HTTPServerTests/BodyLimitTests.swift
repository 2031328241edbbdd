import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// What a body may hold is counted while it is read, before anything is built from it.
@Suite struct BodyLimitTests {
    private let base64 = String(buffer: TestServer.base64)
    private let escaped = String(buffer: TestServer.base64).replacing("+", with: "%2B")

    private func bytes(_ body: ImageBody) -> [UInt8]? {
        if case .data(let data) = body.image { [UInt8](data) } else { nil }
    }

    private func isTooMany(_ error: any Error) -> Bool {
        if case .tooManyFields(limit: 100) = error as? RequestError { true } else { false }
    }

    // MARK: Forms

    @Test func aFormOfAHundredFieldsIsReadAndOneMoreIsRefused() throws {
        let fields = (1..<100).map { "f\($0)=v\($0)" }.joined(separator: "&")
        let body = try ImageBody(ByteBuffer(string: "\(fields)&image=\(escaped)"), contentType: nil)
        #expect(bytes(body) == TestServer.picture)
        #expect(body.fields.count == 99 && body.fields.contains { $0 == ("f7", "v7") })
        for text in [
            "\(fields)&x=1&image=\(escaped)", "image=\(escaped)&\(fields)&x", String(repeating: "a&", count: 101),
        ] {
            #expect { try ImageBody(ByteBuffer(string: text), contentType: nil) } throws: { isTooMany($0) }
        }
    }

    @Test func emptyFieldsOfAFormCountForNothing() throws {
        let text = String(repeating: "&", count: 1000) + "image=\(escaped)&confidence=30&&"
        let body = try ImageBody(ByteBuffer(string: text), contentType: "application/x-www-form-urlencoded")
        #expect(bytes(body) == TestServer.picture)
        #expect(body.fields.map(\.name) == ["confidence"] && body.fields.map(\.value) == ["30"])
    }

    @Test func millionsOfFieldsAreRefusedWithoutBeingRead() {
        let text = ByteBuffer(repeating: UInt8(ascii: "&"), count: 1)
        var body = ByteBuffer()
        for _ in 0..<(4 << 20) {
            body.writeInteger(UInt8(ascii: "a"))
            body.writeImmutableBuffer(text)
        }
        #expect { try ImageBody(body, contentType: nil) } throws: { isTooMany($0) }
    }

    @Test func aFieldsNameAndValueAreDecoded() throws {
        let text = "na%6De=a+b%20%C3%BC.jpg&image=\(escaped)&x&=y&long=\(String(repeating: "1", count: 70_000))\n"
        let body = try ImageBody(ByteBuffer(string: text), contentType: nil)
        #expect(bytes(body) == TestServer.picture)
        #expect(body.fields.map(\.name) == ["name", "x", ""] && body.fields.map(\.value) == ["a b ü.jpg", "", "y"])
        #expect(body.oversized == ["long"])
    }

    @Test(arguments: ["http://h/a.jpg", "http://h/a+b.jpg", "https%3A%2F%2Fh%2Fa+b.jpg%3Fx%3D1", "https://h/a%20b.jpg"])
    func anAddressInAFormIsAnAddress(value: String) throws {
        let body = try ImageBody(ByteBuffer(string: "image=\(value)"), contentType: nil)
        guard case .url(let url) = body.image else {
            Issue.record("\(value) is no address")
            return
        }
        #expect(url == Parameters(query: "image=\(value)").value("image")?.text)
    }

    @Test func aQueryHasNoLargeValueButItsImage() {
        let long = String(repeating: "a", count: 70_000)
        let parameters = Parameters(query: "classes=\(long)&image=\(long)&\(long)=1&confidence=4%30+&empty&plus=a+b%")
        #expect(parameters.value("classes") == nil && parameters.nonEmpty("image") == long)
        #expect(parameters.value(long) == nil)
        #expect(parameters.nonEmpty("confidence") == "40 " && parameters.value("empty")?.text == "")
        #expect(parameters.nonEmpty("plus") == "a b%")
    }

    @Test func aLogLineHasTheBeginningOfALongPath() {
        let path = LogMiddleware.excerpt("/" + String(repeating: "ü", count: 1000), 512)
        #expect(path.utf8.count < 520 && path.hasPrefix("/üü") && path.hasSuffix("…"))
        #expect(LogMiddleware.excerpt("/m/1", 512) == "/m/1")
    }

    @Test func anImageFieldWithoutAValueIsMissing() {
        for text in ["image=", "image=&confidence=1", "confidence=1&image="] {
            #expect { try ImageBody(ByteBuffer(string: text), contentType: nil) } throws: {
                if case .missingImage = $0 as? ServiceError { true } else { false }
            }
        }
    }

    // MARK: Multipart

    private let type = "multipart/form-data; boundary=b"

    private func part(_ name: String, _ value: String, _ more: String = "") -> String {
        "--b\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\(more)\r\n\(value)\r\n"
    }

    @Test func aMultipartFormOfAHundredPartsIsReadAndOneMoreIsRefused() throws {
        let many = (1..<100).map { part("f\($0)", "v") }.joined()
        let body = try ImageBody(
            ByteBuffer(string: many + part("image", base64) + "--b--\r\n"), contentType: type)
        #expect(bytes(body) == TestServer.picture && body.fields.count == 99)
        for text in [many + part("x", "v") + part("image", base64), part("image", base64) + many + part("x", "v")] {
            #expect { try ImageBody(ByteBuffer(string: text + "--b--\r\n"), contentType: type) } throws: {
                isTooMany($0)
            }
        }
        // Parts without a name count too.
        let nameless = String(repeating: "--b\r\n\r\n\r\n", count: 101)
        #expect { try ImageBody(ByteBuffer(string: nameless), contentType: type) } throws: { isTooMany($0) }
    }

    @Test func thePartsHeadHasAtMostEightKilobytes() throws {
        func body(_ size: Int) -> ByteBuffer {
            ByteBuffer(
                string: part("image", base64, "X-Filler: \(String(repeating: "a", count: size))\r\n") + "--b--\r\n")
        }
        #expect(bytes(try ImageBody(body(8000), contentType: type)) == TestServer.picture)
        for size in [8192, 100_000, 4 << 20] {
            #expect { try ImageBody(body(size), contentType: type) } throws: {
                if case .partHeadTooLarge(limit: 8192) = $0 as? RequestError { true } else { false }
            }
        }
    }

    @Test func aHeadThatEndsWithTheBodyIsMalformedAsBefore() {
        for text in [
            "--b\nContent-Disposition: form-data; name=\"file\"\n\n" + String(repeating: "x", count: 20_000), "--b",
            "--b\r\n", "--b\r\nContent-Disposition: form-data; name=\"file\"", "--b\r\nx\r\n\r\nno end",
        ] {
            #expect { try ImageBody(ByteBuffer(string: text), contentType: type) } throws: {
                if case .missingFilePart = $0 as? RequestError { true } else { false }
            }
        }
    }

    // MARK: JSON

    private func check(_ text: String) throws {
        try Array(text.utf8).withUnsafeBytes { try JSONStructure.check($0) }
    }

    @Test func jsonOfManyValuesOrDeepNestingIsRefused() throws {
        try check("{\"image\":\"\(base64)\",\"list\":[\(String(repeating: "1,", count: 9990))1]}")
        try check(String(repeating: "[", count: 64) + String(repeating: "]", count: 64))
        try check("{\"a\":\"" + String(repeating: ",[{", count: 400_000) + "\"}")
        try check(#"{"a":"\\\"[[[,,,\\","b":1}"#)
        for text in [
            "[\(String(repeating: "1,", count: 10_000))1]", String(repeating: "[", count: 65),
            String(repeating: "{},", count: 6000), #"{"a":"\\","# + String(repeating: "[],", count: 6000),
        ] {
            #expect { try check(text) } throws: {
                if case .jsonTooComplex = $0 as? RequestError { true } else { false }
            }
        }
    }

    /// Thousands of combining marks in a row take minutes to compare.
    @Test(.timeLimit(.minutes(1))) func textsOfCombiningMarksCostNoTime() throws {
        let marks = String(repeating: "\u{301}\u{327}", count: 400_000)
        let escaped = String(repeating: #"\u0301\u0327"#, count: 400_000)
        for json in ["{\"image\":\"x\",\"a\(marks)\":1}", "{\"image\":\"x\",\"a\":\"\(escaped)\"}"] {
            #expect { try ImageBody(ByteBuffer(string: json), contentType: nil) } throws: {
                if case .jsonTooComplex = $0 as? RequestError { true } else { false }
            }
        }
        let plain = String(repeating: #"\u002B\/"#, count: 10_000)
        try check("{\"image\":\"\(plain)\",\"name\":\"\(String(repeating: "ü", count: 250))\"}")
        let form = try ImageBody(
            ByteBuffer(string: "a\(marks)=\(marks)&image=\(self.escaped)"), contentType: nil)
        #expect(form.fields.count <= 1 && bytes(form) == TestServer.picture)
        let few = String(repeating: "\u{301}\u{327}", count: 1000)
        let parts = (0..<20).map { part("f\($0)\(few)", few) }.joined() + part("image", base64)
        #expect(bytes(try ImageBody(ByteBuffer(string: parts + "--b--\r\n"), contentType: type)) == TestServer.picture)
        let query = Parameters(query: "a\(marks)=1&confidence=\(marks)&name=é\u{301}x")
        #expect(query.value("name")?.text == "é\u{301}x" && (query.value("confidence")?.text.utf8.count ?? 0) <= 60)
    }

    @Test func otherDataWithAmpersandsIsNotAForm() {
        let data = ByteBuffer(
            bytes: [0x99, 0x50, 0x44, 0x46, 0xE2] + [UInt8](repeating: UInt8(ascii: "&"), count: 500))
        #expect { try ImageBody(data, contentType: nil) } throws: {
            if case .malformedBase64 = $0 as? ServiceError { true } else { false }
        }
    }

    @Test func jsonThatIsNotUTF8IsRefused() throws {
        for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian, .utf32LittleEndian, .utf16] {
            let data = try #require(#"{"∀": [1, 1]}"#.data(using: encoding))
            #expect { try data.withUnsafeBytes { try JSONStructure.check($0) } } throws: {
                if case .malformedJSON = $0 as? RequestError { true } else { false }
            }
        }
    }

    @Test(arguments: ["", "\"", "\"\\", "\"\\\"", "\"abc\\\\\"", "]]]]", "{\""])
    func whatIsNoJSONIsLeftToTheParser(text: String) throws {
        try check(text)
    }

    // MARK: Through the server

    @Test func strangersAreToldNothingAndOthersTheReason() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let key = try store.create(name: "k").secret
        let form = ByteBuffer(string: String(repeating: "a&", count: 200) + "image=\(escaped)")
        let parts = ByteBuffer(string: part("image", base64, "X: \(String(repeating: "a", count: 9000))\r\n"))
        let json = ByteBuffer(string: "{\"image\":\"\(base64)\",\"x\":[\(String(repeating: "1,", count: 20_000))1]}")
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            for (body, headers, reason) in [
                (form, [:], "more than 100 fields"), (parts, [.contentType: type], "exceed 8192 bytes"),
                (json, [:], "more than 10000 values"),
            ] as [(ByteBuffer, HTTPFields, String)] {
                let stranger = try await client.execute(uri: "/m/1", method: .post, headers: headers, body: body)
                #expect(stranger.status == .forbidden)
                let known = try await client.execute(
                    uri: "/m/1?api_key=\(key)", method: .post, headers: headers, body: body)
                #expect(known.status == .badRequest && String(buffer: known.body).contains(reason))
            }
            let infer = try await client.execute(
                uri: "/infer/instance_segmentation?api_key=\(key)", method: .post, body: json)
            #expect(infer.status == .badRequest && String(buffer: infer.body).contains("more than 10000 values"))
        }
    }

    @Test func aQueryHasAtMostAHundredFieldsAndAPathEightKilobytes() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            let few = String(repeating: "a&", count: 99)
            let accepted = try await client.execute(uri: "/m/1?\(few)x", method: .post, body: TestServer.base64)
            #expect(accepted.status == .ok)
            for path in ["/m/1?\(few)a&b", "/healthz?" + String(repeating: "&", count: 400_000)] {
                let refused = try await client.execute(uri: path, method: .get, body: nil)
                #expect(refused.status == .badRequest && String(buffer: refused.body).contains("more than 100 fields"))
            }
            let path = try await client.execute(
                uri: String(repeating: "/a", count: 5000), method: .get, body: nil)
            #expect(path.status == .uriTooLong && String(buffer: path.body).contains("8192 bytes"))
        }
    }
}
