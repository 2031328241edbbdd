import Foundation
import InstanceSegmentation
import Serving
import TestSupport
import Testing

@testable import HTTPServer

/// What callers are told of models that were removed since their request was checked.
@Suite struct ModelGrantTests {
    @Test func aModelThatWasRemovedNamesNoModelsOfOtherKeys() async throws {
        let file = try TestFiles.temporaryFolder().appending(path: "model.onnx")
        let ids = ["mine", "theirs"].map { ModelID(dataset: $0, version: "1") }
        let backend = StubBackend(description: .yolo(names: ["left", "right"], coefficients: 1)) { _ in
            TestServer.halfSession()
        }
        let repository = ModelRepository(
            .files(ids.map { ModelLocation(id: $0, file: file) }), backend: backend, logger: TestServer.logger)
        try await repository.rescan()
        let pool = ModelPool(
            repository: repository, backend: backend, configuration: ModelPool.Configuration(concurrency: 1),
            logger: TestServer.logger)
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        let key = try store.create(name: "k", limits: .init(models: ["mine/1"], scopes: [.manage])).secret
        let grant = try await Access.keys(store).grant(key)
        let removed = ModelID(dataset: "mine", version: "2")
        func isLimited(_ error: any Error) -> Bool {
            if case .unknownModel(removed, served: [ids[0]]) = error as? ServiceError { true } else { false }
        }
        await #expect { try await pool.load(removed, for: grant) } throws: { isLimited($0) }
        await #expect { try await pool.close(removed, for: grant) } throws: { isLimited($0) }
    }
}
