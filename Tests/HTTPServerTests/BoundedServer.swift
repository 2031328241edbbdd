import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import ImageCodecs
import Imaging
import InstanceSegmentation
import NIOCore
import Serving
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// A network whose inferences a test holds and counts.
final class GatedNetwork: InferenceSession {
    private struct State {
        var isOpen = true
        var ignoresCancellation = false
        /// Whether the image of each inference was white, in the order in which they started.
        var whites: [Bool] = []
    }

    private let half = TestServer.halfSession()
    private let state = Mutex(State())

    var modelDescription: ModelDescription { half.modelDescription }
    /// The number of inferences since the last `reset`.
    var calls: Int { state.withLock { $0.whites.count } }
    /// Whether the image of each inference was white, in the order in which they started.
    var whites: [Bool] { state.withLock { $0.whites } }

    /// Forgets the inferences so far.
    func reset() { state.withLock { $0.whites = [] } }
    /// Holds the inferences that start from now on.
    func hold(ignoresCancellation: Bool = false) {
        state.withLock { ($0.isOpen, $0.ignoresCancellation) = (false, ignoresCancellation) }
    }
    /// Ends the inferences that are held, and holds no more.
    func release() { state.withLock { $0.isOpen = true } }

    func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        let isWhite = inputs["images"]?.elements.max() ?? 0 > 0.9
        state.withLock { $0.whites.append(isWhite) }
        while !state.withLock({ $0.isOpen }) {
            if state.withLock({ $0.ignoresCancellation }) {
                await Task.yield()
            } else {
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        return try await half.infer(inputs)
    }
}

/// An answer as it came over a connection.
struct RawAnswer {
    let status: Int
    let head: String
    let body: String

    /// The answer in what a connection received; `nil` while it is not complete.
    init?(_ text: String) {
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        head = text[..<end.lowerBound].lowercased()
        body = String(text[end.upperBound...])
        guard let status = head.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        self.status = status
        guard let length = header("content-length").flatMap({ Int($0) }), body.utf8.count >= length else { return nil }
    }

    /// The value of a header.
    func header(_ name: String) -> String? {
        head.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
    }
}

/// A server of one held network, whose bounds a test reaches over connections of its own.
struct BoundedServer: Sendable {
    /// What a request is sent to.
    static let infer = "/infer/instance_segmentation"

    let client: any TestClientProtocol
    let network: GatedNetwork
    private let connections: ConnectionTestServer

    /// Runs a server while a test uses it; inferences are counted from its readiness on.
    static func run(
        _ limits: ServiceLimits, access: Access = .open, maxBodySize: Int = 1 << 20,
        fetchPolicy: AddressPolicy = AddressPolicy(), _ test: @escaping @Sendable (BoundedServer) async throws -> Void
    ) async throws {
        let network = GatedNetwork()
        let application = try await TestServer.application(
            access: access, maxBodySize: maxBodySize, limits: limits, fetchPolicy: fetchPolicy,
            session: { _ in network })
        try await TestServer.whenReady(application) { client in
            network.reset()
            let connections = ConnectionTestServer(
                port: try #require(client.port), registry: ConnectionRegistry(maxConnections: 1))
            defer { network.release() }
            try await test(BoundedServer(client: client, network: network, connections: connections))
        }
    }

    /// Opens a connection and sends bytes.
    /// - Parameter isReading: whether answers are read.
    func open(_ bytes: [UInt8], isReading: Bool = true) async throws -> TestConnection {
        let connection = try await connections.connect(isReading: isReading)
        try await connection.send(bytes)
        return connection
    }

    /// Sends a request over a new connection.
    func send(_ body: [UInt8] = TestServer.picture, to path: String = "/m/1") async throws -> TestConnection {
        let connection = try await connections.connect()
        let head =
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \(body.count)\r\n\r\n"
        try await connection.send(Array(head.utf8) + body)
        return connection
    }

    /// Waits for an answer.
    func answer(of connection: TestConnection) async throws -> RawAnswer {
        try await connection.wait(.seconds(20)) { RawAnswer($0.text) != nil || $0.isClosed }
        let answer = try #require(RawAnswer(connection.text), "no answer: \(connection.text.prefix(200))")
        try? await connection.close()
        return answer
    }

    /// Sends a request and waits for its answer.
    func post(_ body: [UInt8] = TestServer.picture, to path: String = "/m/1") async throws -> RawAnswer {
        try await answer(of: send(body, to: path))
    }

    /// Sends a JSON request of a list of images.
    func post(images: Int, query: String = "") async throws -> RawAnswer {
        try await post(Self.list(images), to: Self.infer + query)
    }

    /// The JSON of a list of images.
    static func list(_ count: Int, _ fields: String = "") -> [UInt8] {
        let image = #"{"type":"base64","value":"\#(String(buffer: TestServer.base64))"}"#
        let images = [String](repeating: image, count: count).joined(separator: ",")
        return Array(#"{"model_id":"m/1","image":[\#(images)]\#(fields)}"#.utf8)
    }

    /// An image of one color.
    static func picture(width: Int, height: Int, white: Bool = false) throws -> [UInt8] {
        let pixels = [UInt8](repeating: white ? 255 : 0, count: 3 * width * height)
        return try RasterImage(size: ImageSize(width: width, height: height), pixels: pixels).encoded(as: .png)
    }

    // MARK: Metrics

    /// The value of a series; 0 where there is none.
    func metric(_ series: String) async throws -> Double {
        let page = String(buffer: try await client.execute(uri: "/metrics", method: .get).body)
        let line = page.split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
    }

    /// Waits until a series has a value.
    func expect(_ series: String, _ value: Double, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        var found = try await metric(series)
        let start = ContinuousClock.now
        while found != value, ContinuousClock.now - start < .seconds(10) {
            try await Task.sleep(for: .milliseconds(10))
            found = try await metric(series)
        }
        #expect(found == value, "\(series)", sourceLocation: sourceLocation)
    }

    /// Waits until that many requests run, all in the network, and that many wait.
    func expect(
        running: Int, waiting: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await expect("silhouette_predictions_running", Double(running), sourceLocation: sourceLocation)
        try await expect("silhouette_predictions_waiting", Double(waiting), sourceLocation: sourceLocation)
    }

    /// Takes every slot with requests that the network holds, or that wait for it: one more has a slot than inferences run.
    func fill(_ slots: Int = 2, path: String = "/m/1") async throws -> [TestConnection] {
        network.hold()
        var held: [TestConnection] = []
        for _ in 0..<slots { held.append(try await send(to: path)) }
        try await expect(running: slots, waiting: 0)
        #expect(try await eventually { network.calls == slots - 1 } != nil)
        return held
    }

    /// Releases the network and expects that every request is answered, and that nothing is left behind.
    func finish(_ connections: [TestConnection], sourceLocation: SourceLocation = #_sourceLocation) async throws {
        network.release()
        for connection in connections {
            #expect(try await answer(of: connection).status == 200, sourceLocation: sourceLocation)
        }
        try await expect(running: 0, waiting: 0, sourceLocation: sourceLocation)
        try await expect("silhouette_image_bytes_in_flight", 0, sourceLocation: sourceLocation)
        try await expect("silhouette_body_bytes_in_flight", 0, sourceLocation: sourceLocation)
    }
}
