import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import ImageCodecs
import Imaging
import InstanceSegmentation
import Logging
import NIOCore
import NIOHTTP1
import Serving
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// The server in process, with a network whose answers are those of the wire's worked example.
@Suite(.timeLimit(.minutes(2))) struct HTTPTests {
    private let base64 = TestServer.base64
    private let picture = TestServer.picture

    private func message(_ response: TestResponse) -> String { String(buffer: response.body) }

    @Test func aPictureIsAnsweredWithItsObjects() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            let response = try await client.execute(uri: "/m/1?api_key=whatever", method: .post, body: base64)
            #expect(response.status == .ok)
            #expect(response.headers[.contentType] == "application/json")
            #expect(response.headers[.modelID] == "m/1")
            #expect(response.headers[.serverTiming]?.contains("inference;dur=") == true)
            #expect(response.headers[.cacheControl] == "no-store")
            let answer = try JSONDecoder().decode(
                PredictionResponseTests.Answer.self, from: Data(response.body.readableBytesView))
            #expect(answer.image.width == 40 && answer.image.height == 20)
            #expect(answer.predictions.map(\.class) == ["left"])
            #expect(answer.predictions[0].x == 10 && answer.predictions[0].width == 20)
            #expect(answer.predictions[0].points?.map { [$0.x, $0.y] } == [[0, 0], [0, 19], [19, 19], [19, 0]])
        }
    }

    @Test func everyWayToSendAPictureGivesTheSamePredictions() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            var form = ByteBuffer(
                string: "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n")
            form.writeBytes(picture)
            form.writeString("\r\n--b--\r\n")
            let text = String(buffer: base64)
            let requests: [(String, HTTPRequest.Method, HTTPFields, ByteBuffer?)] = [
                ("/m/1", .post, [.contentType: "application/x-www-form-urlencoded"], base64),
                ("//m/1/", .post, [:], base64), ("/m/1", .post, [.contentType: "application/json"], base64),
                ("/m/1", .post, [.contentType: "image/png"], ByteBuffer(bytes: picture)),
                (
                    "/m/1", .post, [:],
                    ByteBuffer(string: "confidence=40&image=\(text.replacing("+", with: "%2B"))&name=a.jpg")
                ),
                ("/m/1", .post, [.contentType: "multipart/form-data; boundary=b"], form),
                ("/m/1", .post, [:], ByteBuffer(string: "{\"image\":\"\(text)\"}")),
                (
                    "/m/1?image=data:image/png%3Bbase64,\(text.replacing("+", with: "%2B").replacing("/", with: "%2F"))",
                    .get, [:], nil
                ),
            ]
            var answers: Set<String> = []
            for (uri, method, headers, body) in requests {
                let response = try await client.execute(uri: uri, method: method, headers: headers, body: body)
                #expect(response.status == .ok, "\(uri.prefix(20)) \(message(response))")
                let object = try JSONDecoder().decode(
                    PredictionResponseTests.Answer.self, from: Data(response.body.readableBytesView))
                answers.insert(
                    object.predictions.map { "\($0.x) \($0.y) \($0.confidence) \(($0.points ?? []).count)" }.joined())
            }
            #expect(answers.count == 1)
        }
    }

    @Test func errorsHaveTheStatusAndTheBodyOfTheContract() async throws {
        try await TestServer.whenReady(try await TestServer.application(maxBodySize: 10_000)) { client in
            func expect(
                _ uri: String, _ status: Int, _ text: String, method: HTTPRequest.Method = .post,
                body: ByteBuffer? = nil,
                sourceLocation: SourceLocation = #_sourceLocation
            ) async throws {
                let response = try await client.execute(uri: uri, method: method, body: body)
                #expect(response.status.code == status, sourceLocation: sourceLocation)
                #expect(response.headers[.contentType] == "application/json", sourceLocation: sourceLocation)
                #expect(message(response).contains(text), "\(message(response))", sourceLocation: sourceLocation)
                #expect(throws: Never.self, sourceLocation: sourceLocation) {
                    try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView))
                }
            }
            let cause = "Could not load input image. Cause: "
            try await expect("/m/1", 400, cause + "Image not found in request body.")
            try await expect("/m/1", 400, cause + "Image not found in request body.", method: .get)
            try await expect(
                "/m/1", 400, cause + "Malformed base64 input image.", body: ByteBuffer(string: "no base64!"))
            try await expect(
                "/m/1", 400, cause + "Malformed base64 input image.", body: ByteBuffer(string: "aGVsbG8gd29ybGQ="))
            try await expect("/m/1", 400, cause + "Empty image payload.", body: ByteBuffer(string: "\"\""))
            try await expect("/m/1", 400, cause + "The image is truncated", body: ByteBuffer(string: "GIF89a12345678"))
            try await expect(
                "/m/1", 415, "a video (MP4)", body: ByteBuffer(string: "\0\0\0\u{18}ftypmp42\0\0\0\0mp42isom"))
            try await expect(
                "/m/1", 415, "a web page (HTML)", body: ByteBuffer(string: "\n<!doctype html><title>Not found</title>"))
            try await expect("/m/1", 415, "an SVG drawing", body: ByteBuffer(string: "<svg xmlns='x'/>"))
            try await expect("/m/1", 415, "a PDF document", body: ByteBuffer(string: "%PDF-1.7"))
            try await expect(
                "/m/1", 415, "a PDF document", body: ByteBuffer(string: Data("%PDF-1.7".utf8).base64EncodedString()))
            try await expect("/m/1", 400, cause + "The image is", body: ByteBuffer(bytes: picture.prefix(80)))
            try await expect(
                "/m/1?image=http%3A%2F%2F127.0.0.1%2Fa.jpg", 400, "network destination that is not allowed")
            try await expect("/m/1?image=file%3A%2F%2F%2Fetc%2Fpasswd", 400, "Provided image URL is invalid")
            try await expect("/m/2", 404, "m/1", body: base64)
            try await expect("/n/1", 404, "Requested Roboflow resource not found.", body: base64)
            try await expect("/a/b/c/d", 404, "\"detail\":\"Not Found\"", method: .get)
            try await expect("/m/1", 405, "\"detail\":\"Method Not Allowed\"", method: .put)
            try await expect("/healthz", 405, "Method Not Allowed")
            try await expect("/m/1?confidence=abc", 422, "\"loc\":[\"query\",\"confidence\"]", body: base64)
            try await expect("/m/1?mask_decode_mode=x", 400, "Invalid mask decode argument sent.", body: base64)
            try await expect("/m/1", 413, "10000", body: ByteBuffer(repeating: 65, count: 10_001))
            var bomb = picture
            bomb.replaceSubrange(16..<24, with: [0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF])
            try await expect("/m/1", 413, "65535x65535", body: ByteBuffer(bytes: bomb))
        }
    }

    @Test func whatTheClientGotWrongIsNotOurFault() async throws {
        #expect(ErrorResponse(HTTPParserError.invalidEOFState).status == .badRequest)
        #expect(ErrorResponse(CancellationError()).status == .serviceUnavailable)
        try await TestServer.whenReady(try await TestServer.application()) { client in
            let response = try await client.execute(
                uri: "/m/1", method: .post, headers: [.expect: "200-ok"], body: base64)
            #expect(response.status == .expectationFailed)
        }
    }

    @Test func keysAreAskedForWhereThereAreKeys() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let made = try store.create(name: "test")
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            let refused = #"{"Message": "User is not authorized to access this resource"}"#
            let bearer: HTTPFields = [.authorization: "bearer \(made.secret)"]
            for (uri, headers) in [
                ("/m/1", [:]), ("/m/1?api_key=wrong", [:]), ("/m/1?api_key=", [:]), ("/m/1?api_key=None", [:]),
            ]
                as [(String, HTTPFields)]
            {
                let response = try await client.execute(uri: uri, method: .post, headers: headers, body: base64)
                #expect(response.status == .forbidden && message(response) == refused)
            }
            var form = ByteBuffer(
                string: "--b\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\n\(made.secret)\r\n")
            form.writeString("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n")
            form.writeBytes(picture)
            form.writeString("\r\n--b--\r\n")
            for (uri, headers, body) in [
                ("/m/1?api_key=\(made.secret)", [:], base64), ("/m/1", bearer, base64),
                ("/m/1", [.apiKey: made.secret], base64),
                ("/m/1?api_key=\(made.secret)", [.authorization: "Bearer wrong"], base64),
                ("/m/1", [.contentType: "multipart/form-data; boundary=b"], form),
            ] as [(String, HTTPFields, ByteBuffer)] {
                #expect(try await client.execute(uri: uri, method: .post, headers: headers, body: body).status == .ok)
            }
            for open in ["/healthz", "/readiness", "/info"] {
                #expect(try await client.execute(uri: open, method: .get, body: nil).status == .ok)
            }
            _ = try store.revoke(id: made.key.id)
            let late = try await client.execute(uri: "/m/1?api_key=\(made.secret)", method: .post, body: base64)
            #expect(late.status == .forbidden)
        }
    }

    @Test func picturesCanBeDrawn() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            let drawn = try await client.execute(
                uri: "/m/1?format=image&labels=true&stroke=3", method: .post, body: base64)
            #expect(drawn.headers[.contentType] == "image/jpeg")
            let image = try RasterImage(decoding: Array(drawn.body.readableBytesView))
            #expect(image.size == ImageSize(width: 40, height: 20))
            let both = try await client.execute(uri: "/m/1?format=image_and_json", method: .post, body: base64)
            let answer = try JSONDecoder().decode(
                PredictionResponseTests.Answer.self, from: Data(both.body.readableBytesView))
            let picture = try #require(answer.visualization.flatMap { Data(base64Encoded: $0) })
            #expect(try RasterImage(decoding: [UInt8](picture)).size == image.size)
        }
    }

    @Test func theModelsOwnThresholdsAreThereForWhoAsksForThem() async throws {
        let application = try await TestServer.application(session: { _ in
            StubSession(model: .yolo(names: ["a"], coefficients: 1)) { inputs in
                let input = try #require(inputs["images"])
                let cells = (input.shape[2] / 4) * (input.shape[3] / 4)
                // Two objects apart: one is surer than 0.4, one than YOLO's own 0.25 only.
                return [
                    "output0": Tensor(shape: [1, 6, 2], elements: [16, 48, 16, 16, 16, 16, 16, 16, 0.9, 0.3, 1, 1]),
                    "output1": Tensor(
                        shape: [1, 1, input.shape[2] / 4, input.shape[3] / 4],
                        elements: [Float](repeating: 1, count: cells)),
                ]
            }
        })
        try await TestServer.whenReady(application) { client in
            for (query, count) in [("", 1), ("?confidence=best", 2), ("?confidence=default", 2), ("?confidence=20", 2)]
            {
                let response = try await client.execute(uri: "/m/1\(query)", method: .post, body: base64)
                let answer = try JSONDecoder().decode(
                    PredictionResponseTests.Answer.self, from: Data(response.body.readableBytesView))
                #expect(answer.predictions.count == count, "\(query)")
            }
        }
    }

    @Test func whatIsFoundDoesNotDependOnTheFormat() async throws {
        // Large enough to be shrunk while it is decoded.
        let jpeg = try RasterImage.gradient(width: 640, height: 480).encoded(as: .jpeg)
        let seen = Mutex<[Int]>([])
        let application = try await TestServer.application(session: { _ in
            StubSession(model: .yolo(names: ["a"], coefficients: 1)) { inputs in
                let input = try #require(inputs["images"])
                seen.withLock { $0.append(input.elements.hashValue) }
                let cells = (input.shape[2] / 4) * (input.shape[3] / 4)
                return [
                    "output0": Tensor(shape: [1, 6, 1], elements: [32, 24, 20, 20, 0.9, 1]),
                    "output1": Tensor(
                        shape: [1, 1, input.shape[2] / 4, input.shape[3] / 4],
                        elements: [Float](repeating: 1, count: cells)),
                ]
            }
        })
        try await TestServer.whenReady(application) { client in
            seen.withLock { $0 = [] }
            for format in ["json", "image_and_json", "image"] {
                let response = try await client.execute(
                    uri: "/m/1?format=\(format)", method: .post, body: ByteBuffer(bytes: jpeg))
                #expect(response.status == .ok)
                guard format == "image" else { continue }
                let drawn = try RasterImage(decoding: Array(response.body.readableBytesView))
                #expect(drawn.size == ImageSize(width: 640, height: 480))
            }
            #expect(seen.withLock { $0.count == 3 && Set($0).count == 1 })
        }
    }

    @Test func browsersOnOtherPagesAreLetIn() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            let preflight = try await client.execute(
                uri: "/m/1", method: .options,
                headers: [
                    .origin: "https://page", .accessControlRequestMethod: "POST",
                    .accessControlRequestHeaders: "authorization",
                ],
                body: nil)
            #expect(preflight.status == .noContent)
            #expect(preflight.headers[.accessControlAllowOrigin] == "*")
            #expect(preflight.headers[.accessControlAllowHeaders] == "authorization")
            let failed = try await client.execute(
                uri: "/m/1", method: .post, headers: [.origin: "https://page"], body: nil)
            #expect(failed.status == .forbidden && failed.headers[.accessControlAllowOrigin] == "*")
        }
    }

    @Test func theRequestIDIsEchoedWhereItIsHarmless() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            let kept = try await client.execute(
                uri: "/info", method: .get, headers: [.requestID: "abc-1.2_3"], body: nil)
            #expect(kept.headers[.requestID] == "abc-1.2_3")
            let made = try await client.execute(uri: "/info", method: .get, headers: [.requestID: "a b"], body: nil)
            #expect(made.headers[.requestID].flatMap { UUID(uuidString: $0) } != nil)
            #expect(message(made).contains("\"name\":\"Silhouette\""))
        }
    }

    @Test func predictionsAreRefusedUntilTheModelIsOpen() async throws {
        let application = try await TestServer.application(session: { _ in
            StubSession(model: .yolo(names: ["a"], coefficients: 1)) { _ in
                try await Task.sleep(for: .seconds(2))
                return [:]
            }
        })
        try await application.test(.live) { client in
            let health = try await client.execute(uri: "/healthz", method: .get, body: nil)
            #expect(health.status == .ok)
            let readiness = try await client.execute(uri: "/readiness", method: .get, body: nil)
            #expect(readiness.status == .serviceUnavailable)
            let response = try await client.execute(uri: "/m/1", method: .post, body: base64)
            #expect(response.status == .serviceUnavailable && response.headers[.retryAfter] == "1")
        }
    }

    private func object(_ response: TestResponse) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any])
    }

    /// Every key that the `roboflow` package reads.
    @Test func theQuestionsOfTheRoboflowPackageAreAnsweredFromTheModels() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let key = try store.create(name: "test").secret
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            for (uri, method) in [
                ("/?api_key=wrong", HTTPRequest.Method.post), ("/team?api_key=wrong", .get), ("/team/m", .get),
            ] {
                let refused = try await client.execute(uri: uri, method: method, body: nil)
                #expect(refused.status == .unauthorized && message(refused).contains("This API key does not exist"))
            }
            let check = try await client.execute(uri: "/?api_key=\(key)", method: .post, body: nil)
            #expect(try object(check)["workspace"] as? String == "home")
            let workspace = try object(await client.execute(uri: "/team?api_key=\(key)", method: .get, body: nil))[
                "workspace"]
            let fields = try #require(workspace as? [String: Any])
            #expect(fields["url"] as? String == "team" && fields["name"] != nil)
            #expect((fields["projects"] as? [[String: Any]])?.first?["id"] as? String == "team/m")

            let answer = try object(await client.execute(uri: "/team/m?api_key=\(key)", method: .get, body: nil))
            let project = try #require(answer["project"] as? [String: Any])
            let needed = [
                "id", "type", "name", "created", "updated", "images", "unannotated", "annotation", "public", "splits",
                "colors", "classes",
            ]
            #expect(Set(needed).isSubset(of: project.keys))
            #expect(project["created"] is Int && project["type"] as? String == "instance-segmentation")
            #expect((project["colors"] as? [String: Any])?.isEmpty == true)
            #expect((project["classes"] as? [String: Any])?["left"] != nil)
            let version = try #require((answer["versions"] as? [[String: Any]])?.first)
            #expect(version["id"] as? String == "team/m/1" && version["model"] != nil)
            #expect(Set(["created", "images", "splits", "preprocessing", "augmentation"]).isSubset(of: version.keys))

            let one = try object(await client.execute(uri: "/team/m/1?api_key=\(key)", method: .get, body: nil))
            let train = (one["version"] as? [String: Any])?["train"] as? [String: Any]
            #expect((train?["model"] as? [String: Any])?["id"] as? String == "m/1")
            let trainings = try await client.execute(
                uri: "/team/m/1/v2/trainings?api_key=\(key)", method: .get, body: nil)
            #expect(message(trainings).contains(#""modelIds":["m/1"]"#) && message(trainings).contains("seg"))
            #expect(
                try await client.execute(uri: "/team/m/7?api_key=\(key)", method: .get, body: nil).status == .notFound)
        }
    }

    @Test func theInferenceSDKFindsModelsAndPredictions() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let key = try store.create(name: "test", limits: .init(scopes: APIKey.Scope.all)).secret
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            func post(_ uri: String, _ json: String) async throws -> TestResponse {
                try await client.execute(uri: uri, method: .post, body: ByteBuffer(string: json))
            }
            let registry = try await client.execute(uri: "/model/registry?api_key=\(key)", method: .get, body: nil)
            #expect(message(registry) == #"{"models":[{"model_id":"m/1","task_type":"instance-segmentation"}]}"#)
            let refused = try await client.execute(uri: "/model/registry?api_key=None", method: .get, body: nil)
            #expect(refused.status == .unauthorized && message(refused).contains("Unauthorized api_key"))

            let image = #"{"type":"base64","value":"\#(String(buffer: base64))"}"#
            let path = "/infer/instance_segmentation"
            let one = try await post(
                path, #"{"api_key":"\#(key)","model_id":"m/1","image":\#(image),"id":"mine","confidence":1}"#)
            #expect(one.status == .ok)
            #expect(try object(one)["inference_id"] as? String == "mine")
            #expect((try object(one)["predictions"] as? [Any])?.isEmpty == true, "1 is the whole here")
            let two = try await post(
                path,
                #"{"api_key":"\#(key)","model_id":"m/1","image":[\#(image),\#(image)],"visualize_predictions":true}"#)
            let list = try #require(
                try JSONSerialization.jsonObject(with: Data(two.body.readableBytesView)) as? [[String: Any]])
            #expect(
                list.count == 2
                    && list.allSatisfy { $0["visualization"] is String && ($0["predictions"] as? [Any])?.count == 1 })
            let none = try await post(
                path, #"{"api_key":"\#(key)","model_id":"m/1","image":\#(image),"class_filter":["right"]}"#)
            #expect((try object(none)["predictions"] as? [Any])?.isEmpty == true)

            for (json, status, text) in [
                ("{}", 422, #""loc":["body","model_id"]"#), ("[]", 422, "body"), ("x", 422, "body"),
                (#"{"model_id":"m/1","image":\#(image)}"#, 401, "Unauthorized api_key"),
                (#"{"api_key":"\#(key)","model_id":"m","image":\#(image)}"#, 400, "Invalid Model ID"),
                (#"{"api_key":"\#(key)","model_id":"m/2","image":\#(image)}"#, 404, "served are: m/1"),
                (#"{"api_key":"\#(key)","model_id":"m/1","image":{"type":"numpy","value":1}}"#, 400, "NumPy"),
                (
                    #"{"api_key":"\#(key)","model_id":"m/1","image":{"type":"file","value":"x"}}"#, 400,
                    "not recognised image type"
                ),
                (
                    #"{"api_key":"\#(key)","model_id":"m/1","image":\#(image),"response_mask_format":"x"}"#, 422,
                    "response_mask_format"
                ),
            ] {
                let response = try await post(path, json)
                #expect(
                    response.status.code == status && message(response).contains(text),
                    "\(json.suffix(60)): \(message(response))")
            }
            #expect(try await post("/model/add", #"{"model_id":"m/1","api_key":"\#(key)"}"#).status == .ok)
            #expect(try await post("/model/add", #"{"model_id":"m/9","api_key":"\#(key)"}"#).status == .notFound)
            #expect(try await post("/model/remove", #"{"model_id":"m/1"}"#).status == .unauthorized)
            #expect(try await post("/model/clear", "").status == .unauthorized)
            let bearer: HTTPFields = [.authorization: "Bearer \(key)"]
            let cleared = try await client.execute(uri: "/model/clear", method: .post, headers: bearer, body: nil)
            #expect(cleared.status == .ok)
            let after = try await client.execute(uri: "/m/1?api_key=\(key)", method: .post, body: base64)
            #expect(after.status == .ok, "a model that was let go is opened again")
        }
    }

    @Test func aModelThatCannotBeOpenedAnswersWithItsErrorAndOthersAreServed() async throws {
        struct Broken: Error {}
        try await TestServer.whenReady(try await TestServer.application(session: { _ in throw Broken() })) { client in
            let response = try await client.execute(uri: "/m/1", method: .post, body: base64)
            #expect(response.status == .internalServerError)
            #expect(message(response).contains("m/1 cannot be used"))
            #expect(!message(response).contains("/m/1/model.onnx"))
        }
    }
}
