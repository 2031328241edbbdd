import Foundation
import InstanceSegmentation
import NIOCore
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// Every bound of the service, reached through HTTP: the answer, and that what was refused cost no inference.
@Suite(.timeLimit(.minutes(2))) struct ServiceBoundsTests {
    private func expect(
        _ answer: RawAnswer, _ status: Int, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == status, "\(answer.body.prefix(300))", sourceLocation: sourceLocation)
        #expect(answer.body.contains(text), "\(answer.body.prefix(300))", sourceLocation: sourceLocation)
    }

    // MARK: Images and tiles

    @Test func aListOfTooManyImagesIsRefusedBeforeAnyInference() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1, maxImages: 3)) { server in
            expect(try await server.post(images: 4), 413, "The request has 4 images; the limit is 3.")
            #expect(server.network.calls == 0)
            try await server.finish([])
        }
    }

    @Test func aListOfTheMostImagesIsAnsweredInItsOrder() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 2, maxImages: 4)) { server in
            let images = try [32, 64, 96, 128].map { width in
                let bytes = try BoundedServer.picture(width: width, height: 32)
                return #"{"type":"base64","value":"\#(Data(bytes).base64EncodedString())"}"#
            }
            let json = #"{"model_id":"m/1","image":[\#(images.joined(separator: ","))]}"#
            let answer = try await server.post(Array(json.utf8), to: BoundedServer.infer)
            #expect(answer.status == 200)
            let items = try JSONDecoder().decode([PredictionResponseTests.Answer].self, from: Data(answer.body.utf8))
            #expect(items.map(\.image.width) == [32, 64, 96, 128])
            #expect(server.network.calls == 4)
        }
    }

    @Test func anEmptyListIsAnsweredWithAnEmptyList() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1)) { server in
            let answer = try await server.post(images: 0)
            #expect(answer.status == 200 && answer.body == "[]", "\(answer.status) \(answer.body)")
            #expect(server.network.calls == 0)
        }
    }

    @Test func tooManyTilesAreRefusedBeforeAnyInference() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1, maxTiles: 4)) { server in
            let image = try BoundedServer.picture(width: 320, height: 240)
            let answer = try await server.post(image, to: "/m/1?tile=64")
            expect(answer, 422, "tiles; the limit is 4.")
            #expect(server.network.calls == 0)
            #expect(try await server.post(image, to: "/m/1?tile=320").status == 200)
        }
    }

    // MARK: The queue

    @Test func aRequestBeyondTheQueueIsRefusedAndAllOthersAreAnswered() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1, maxQueue: 1)) { server in
            let held = try await server.fill()
            let waiting = try await server.send()
            try await server.expect(running: 2, waiting: 1)
            for path in ["/m/1", BoundedServer.infer] {
                let refused = try await server.post(BoundedServer.list(1), to: path)
                expect(refused, 429, "Too many requests are waiting - retry request.")
                #expect(refused.header("retry-after").flatMap { Int($0) } ?? 0 >= 1, "\(refused.head)")
            }
            #expect(server.network.calls == 1)
            try await server.finish(held + [waiting])
            #expect(server.network.calls == 3)
            try await server.expect(#"silhouette_refused_total{reason="overloaded"}"#, 2)
        }
    }

    @Test func withoutAQueueRequestsAreServedWhileThereAreSlots() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1, maxQueue: 0)) { server in
            #expect(try await server.post().status == 200)
            #expect(try await server.post().status == 200)
            server.network.reset()
            let held = try await server.fill()
            expect(try await server.post(), 429, "Too many requests are waiting")
            try await server.finish(held)
            #expect(server.network.calls == 2)
            #expect(try await server.post().status == 200)
        }
    }

    @Test func aRequestThatWaitsTooLongIsEndedWithoutAnInference() async throws {
        let limits = ServiceLimits(concurrency: 1, queueTimeout: .milliseconds(200))
        try await BoundedServer.run(limits) { server in
            let held = try await server.fill()
            let start = ContinuousClock.now
            expect(try await server.post(), 504, "The request was not answered within its time - retry request.")
            #expect(ContinuousClock.now - start >= .milliseconds(200))
            try await server.expect(running: 2, waiting: 0)
            try await server.finish(held)
            #expect(server.network.calls == 2)
            try await server.expect(#"silhouette_refused_total{reason="deadline"}"#, 1)
            try await server.expect("silhouette_queue_timeouts_total", 1)
        }
    }

    @Test func aClientThatLeavesTheQueueCostsNoInference() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1)) { server in
            let held = try await server.fill()
            let leaving = try await server.send()
            try await server.expect(running: 2, waiting: 1)
            try await leaving.close()
            try await server.expect(running: 2, waiting: 0)
            try await server.finish(held)
            #expect(server.network.calls == 2)
            try await server.expect("silhouette_cancelled_total", 1)
            try await server.expect("silhouette_queue_cancelled_total", 1)
        }
    }

    // MARK: Time

    private static var form: String {
        "image="
            + String(buffer: TestServer.base64).replacing("+", with: "%2B").replacing("/", with: "%2F")
            .replacing("=", with: "%3D")
    }

    /// The same timeout in every place where it may stand.
    private static func requests(timeout: String) -> [(body: [UInt8], path: String)] {
        [
            (TestServer.picture, "/m/1?timeout=\(timeout)"),
            (Array("timeout=\(timeout)&\(form)".utf8), "/m/1"),
            (BoundedServer.list(1, #","timeout":\#(timeout)"#), BoundedServer.infer),
        ]
    }

    @Test func aClientsTimeoutEndsItsWaitWithoutAnInference() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1)) { server in
            let held = try await server.fill()
            for (body, path) in Self.requests(timeout: "150") {
                let start = ContinuousClock.now
                expect(try await server.post(body, to: path), 504, "not answered within its time")
                #expect(ContinuousClock.now - start >= .milliseconds(150), "\(path)")
            }
            try await server.expect(running: 2, waiting: 0)
            try await server.finish(held)
            #expect(server.network.calls == 2)
            try await server.expect(#"silhouette_refused_total{reason="deadline"}"#, 3)
        }
    }

    @Test(arguments: ["0", "-1", "nan", "abc"]) func anInvalidTimeoutIsRefused(timeout: String) async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1)) { server in
            for (body, path) in Self.requests(timeout: timeout) {
                let answer = try await server.post(body, to: path)
                #expect(answer.status == 422, "\(path.prefix(20)) \(answer.body)")
            }
            #expect(server.network.calls == 0)
        }
    }

    @Test func aTimeoutBeyondTheServersIsTheServers() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1, requestTimeout: .seconds(1))) { server in
            for timeout in ["86400001", "1e300"] {
                for (body, path) in Self.requests(timeout: timeout) {
                    let answer = try await server.post(body, to: path)
                    #expect(answer.status == 200, "\(path.prefix(20)) \(answer.body.prefix(200))")
                }
            }
            server.network.hold()
            expect(try await server.post(to: "/m/1?timeout=1e300"), 504, "not answered within its time")
        }
    }

    @Test func anInferenceThatTakesTooLongIsEnded() async throws {
        try await BoundedServer.run(ServiceLimits(concurrency: 1, requestTimeout: .milliseconds(300))) { server in
            server.network.hold()
            expect(try await server.post(), 504, "not answered within its time")
            #expect(server.network.calls == 1)
            try await server.finish([])
            #expect(try await server.post().status == 200)
            try await server.expect(#"silhouette_refused_total{reason="deadline"}"#, 1)
        }
    }

    // MARK: Memory

    /// A mebibyte, of which 720,896 bytes are for images.
    private let smallMemory = ServiceLimits(concurrency: 1, maxMemory: 1 << 20)

    @Test func anImageThatNeverFitsIsRefused() async throws {
        try await BoundedServer.run(smallMemory, maxBodySize: 30_000) { server in
            let answer = try await server.post(try BoundedServer.picture(width: 500, height: 500))
            expect(answer, 413, "The request needs 750000 bytes of memory; the server allows it 720896 (--max-memory).")
            #expect(server.network.calls == 0)
            try await server.finish([])
        }
    }

    @Test func imagesThatFitOneAfterTheOtherAreBothAnswered() async throws {
        try await BoundedServer.run(smallMemory, maxBodySize: 30_000) { server in
            let image = try BoundedServer.picture(width: 500, height: 450)
            server.network.hold()
            let first = try await server.send(image)
            try await server.expect(running: 1, waiting: 0)
            let second = try await server.send(image)
            try await server.expect(running: 1, waiting: 1)
            #expect(try await eventually { server.network.calls == 1 } != nil)
            try await server.finish([first, second])
            #expect(server.network.calls == 2)
        }
    }
}
