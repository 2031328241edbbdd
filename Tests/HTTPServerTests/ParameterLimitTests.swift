import Foundation
import Hummingbird
import HummingbirdTesting
import InstanceSegmentation
import NIOCore
import TestSupport
import Testing

@testable import HTTPServer

/// Values that are too large to be a parameter.
@Suite struct ParameterLimitTests {
    private typealias Parameters = HTTPServer.Parameters

    private static let names = [
        "confidence", "overlap", "max_detections", "classes", "class_agnostic_nms", "format", "name", "simplify",
        "labels", "stroke", "response_mask_format", "tradeoff_factor", "mask_decode_mode", "tile", "tile_overlap",
        "timeout", "image_type", "disable_preproc_auto_orient",
    ]

    private let long = String(repeating: "1", count: 70_000)

    private func refusal(of parameters: Parameters) -> InvalidParameter? {
        do { _ = try PredictionRequest(parameters) } catch RequestError.invalidParameter(let parameter) {
            return parameter
        } catch { Issue.record(error) }
        return nil
    }

    @Test(arguments: names) func aLargeValueOfAKnownParameterIsRefused(name: String) throws {
        let query = try #require(refusal(of: Parameters(query: "\(name)=\(long)")))
        #expect(query.name == name && query.location == "query" && query.kind == "string_too_long")
        #expect(query.expected == "a value of at most 65536 bytes")
        let base64 = String(buffer: TestServer.base64)
        let form = "\(name)=\(long)&image=\(base64.replacing("+", with: "%2B"))"
        let multipart = [(name, long), ("image", base64)].map {
            "--b\r\nContent-Disposition: form-data; name=\"\($0)\"\r\n\r\n\($1)\r\n"
        }
        for text in [form, multipart.joined() + "--b--\r\n"] {
            let body = try ImageBody(ByteBuffer(string: text), contentType: nil)
            var parameters = Parameters(query: nil)
            parameters.addBody(body.fields, oversized: body.oversized)
            let found = try #require(refusal(of: parameters))
            #expect(found.name == name && found.location == "body")
        }
    }

    @Test func aLargeValueThatIsNotUsedIsIgnored() throws {
        var parameters = Parameters(query: "mine=\(long)&overlap=\(long)&overlap=20&confidence=30")
        parameters.addBody([], oversized: ["confidence", "yours"])
        let request = try PredictionRequest(parameters)
        #expect(request.options.iouThreshold == 0.2 && request.options.confidenceThreshold == 0.3)
    }

    @Test func theClientIsToldWhichParameterIsTooLarge() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            let answer = try await client.execute(
                uri: "/m/1?classes=\(long)", method: .post, body: TestServer.base64)
            #expect(answer.status == .unprocessableContent)
            #expect(String(buffer: answer.body).contains("classes: expected a value of at most 65536 bytes"))
        }
    }
}
