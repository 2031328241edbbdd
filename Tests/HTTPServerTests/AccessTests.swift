import Foundation
import HTTPTypes
import HummingbirdTesting
import InstanceSegmentation
import NIOCore
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// What a key opens, on every route.
@Suite(.timeLimit(.minutes(1))) struct AccessTests {
    private func text(_ response: TestResponse) -> String { String(buffer: response.body) }

    @Test func aKeyOfOtherModelsOpensAndShowsNothing() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let key = try store.create(name: "other", limits: .init(models: ["other"])).secret
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            for (uri, method, status) in [
                ("/m/1", HTTPRequest.Method.post, 403), ("/nothing/1", .post, 403), ("/model/registry", .get, 200),
                ("/team", .get, 200), ("/team/m", .get, 404), ("/team/m/1", .get, 404), ("/start/m/1", .get, 401),
                ("/other/1", .post, 404),
            ] {
                let response = try await client.execute(
                    uri: uri + "?api_key=\(key)", method: method, body: method == .post ? TestServer.base64 : nil)
                #expect(response.status.code == status, "\(uri) \(text(response))")
                #expect(
                    !text(response).replacing("no model m/1", with: "").contains("m/1"),
                    "\(uri) names a model that the key does not open")
            }
            let image = #"{"type":"base64","value":"\#(String(buffer: TestServer.base64))"}"#
            let refused = try await client.execute(
                uri: "/infer/instance_segmentation", method: .post,
                body: ByteBuffer(string: #"{"api_key":"\#(key)","model_id":"m/1","image":\#(image)}"#))
            #expect(refused.status == .unauthorized && refused.headers[.wwwAuthenticate] == "Bearer")
        }
    }

    @Test func aQuotaCountsPredictionsAndNothingElse() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let key = try store.create(name: "small", limits: .init(quota: 2)).secret
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            _ = try await client.execute(uri: "/model/registry?api_key=\(key)", method: .get, body: nil)
            _ = try await client.execute(
                uri: "/m/1?api_key=\(key)&confidence=x", method: .post, body: TestServer.base64)
            for status in [200, 200, 402, 402] {
                let response = try await client.execute(
                    uri: "/m/1?api_key=\(key)", method: .post, body: TestServer.base64)
                #expect(response.status.code == status)
            }
        }
    }

    @Test func whoHasNoKeyIsNotToldWhatIsWrongWithTheBody() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        _ = try store.create(name: "test")
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            for body in ["no base64!", "{", ""] {
                let response = try await client.execute(uri: "/m/1", method: .post, body: ByteBuffer(string: body))
                #expect(response.status == .forbidden)
            }
            let unknown = try await client.execute(uri: "/x/1", method: .post, body: TestServer.base64)
            #expect(unknown.status == .forbidden)
        }
    }
}
