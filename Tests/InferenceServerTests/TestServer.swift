import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Imaging
import InstanceSegmentation
import Logging
import NIOCore
import TestSupport

@testable import InferenceServer

/// The server in process, with a network that finds one object wherever it looks.
enum TestServer {
    static let location = ModelLocation(id: ModelID(dataset: "m", version: "1"), file: URL(filePath: "/m/1/model.onnx"))

    /// Finds one object wherever it looks: the left half of the network's input.
    static func halfSession() -> StubSession {
        StubSession(model: .yolo(names: ["left", "right"], coefficients: 1)) { inputs in
            guard let input = inputs["images"] else { return [:] }
            let (height, width) = (input.shape[2], input.shape[3])
            let box: [Float] = [Float(width) / 4, Float(height) / 2, Float(width) / 2, Float(height), 0.9, 0.2, 1]
            let (rows, columns) = (height / 4, width / 4)
            return [
                "output0": Tensor(shape: [1, 7, 1], elements: box),
                "output1": Tensor(
                    shape: [1, 1, rows, columns], elements: [Float](repeating: 1, count: rows * columns)),
            ]
        }
    }

    static func application(
        access: Access = .open, preload: [ModelID] = [location.id], maxBodySize: Int = 1 << 20,
        certificate: CertificateFiles? = nil, origins: OriginPolicy.Origins? = nil,
        session: @escaping @Sendable (String) throws -> any InferenceSession = { _ in halfSession() }
    ) throws -> some ApplicationProtocol {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let catalog = ModelCatalog(
            locations: [location], backend: StubBackend(session), settings: ModelCatalog.Settings(lanes: 1),
            logger: logger)
        let configuration = ServerConfiguration(
            port: 0, maxBodySize: maxBodySize, origins: origins, preload: preload, certificate: certificate)
        return try buildApplication(configuration, catalog: catalog, access: access, logger: logger)
    }

    /// Runs a test when the server says that it is ready.
    static func whenReady(
        _ application: some ApplicationProtocol,
        _ body: @escaping @Sendable (any TestClientProtocol) async throws -> Void
    ) async throws {
        try await application.test(.live) { client in
            for _ in 0..<200 {
                if try await client.execute(uri: "/readiness", method: .get, body: nil).status == .ok { break }
                try await Task.sleep(for: .milliseconds(10))
            }
            try await body(client)
        }
    }

    static let picture = (try? Image.gradient(width: 40, height: 20).encoded(as: .png)) ?? []
    static let base64 = ByteBuffer(string: Data(picture).base64EncodedString())
}
