import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import ImageCodecs
import Imaging
import InstanceSegmentation
import Logging
import NIOCore
import Serving
import TestSupport

@testable import HTTPServer

/// The server in process, with a network that finds one object wherever it looks.
enum TestServer {
    static let id = ModelID(dataset: "m", version: "1")

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

    static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    static let limits = ServiceLimits(concurrency: 1)

    /// A server of one model, whose network is the session's.
    static func application(
        access: Access = .open, preload: [ModelID] = [id], maxBodySize: Int = 1 << 20,
        limits: ServiceLimits = limits, connections: ConnectionLimits = ConnectionLimits(),
        fetchPolicy: AddressPolicy = AddressPolicy(), certificate: CertificateFiles? = nil,
        origins: OriginPolicy.Origins? = nil,
        registry: PrometheusRegistry = PrometheusRegistry(),
        session: @escaping @Sendable (String) throws -> any InferenceSession = { _ in halfSession() }
    ) async throws -> some ApplicationProtocol {
        let folder = try TestFiles.temporaryFolder().appending(path: "m/1")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "model.onnx")
        try Data().write(to: file)
        let configuration = ServerConfiguration(
            port: 0, maxBodySize: maxBodySize, limits: limits, connections: connections,
            fetchPolicy: fetchPolicy, origins: origins, preload: preload, certificate: certificate)
        return try await application(
            configuration, .files([ModelLocation(id: id, file: file)]),
            backend: StubBackend(description: .yolo(names: ["left", "right"], coefficients: 1), session),
            access: access,
            registry: registry)
    }

    /// A server of any models.
    static func application(
        _ configuration: ServerConfiguration, _ source: ModelRepository.Source, backend: any InferenceBackend,
        access: Access = .open, registry: PrometheusRegistry = PrometheusRegistry()
    ) async throws -> some ApplicationProtocol {
        let repository = ModelRepository(source, backend: backend, logger: logger)
        try await repository.rescan()
        let pool = ModelPool(
            repository: repository, backend: backend,
            configuration: ModelPool.Configuration(concurrency: configuration.limits.concurrency), logger: logger)
        return try buildServer(
            configuration, pool: pool, access: access, registry: registry,
            metrics: ServiceMetrics(factory: registry), logger: logger
        ).application
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

    static let picture = (try? RasterImage.gradient(width: 40, height: 20).encoded(as: .png)) ?? []
    static let base64 = ByteBuffer(string: Data(picture).base64EncodedString())
}
