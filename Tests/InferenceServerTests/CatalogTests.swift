import Foundation
import InstanceSegmentation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import InferenceServer

@Suite(.timeLimit(.minutes(1))) struct CatalogTests {
    private func catalog(maxOpen: Int?, opened: @escaping @Sendable (String) -> Void) -> ModelCatalog {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let locations = (1...4).map {
            ModelLocation(id: ModelID(dataset: "m", version: "\($0)"), file: URL(filePath: "/m/\($0)/model.onnx"))
        }
        let backend = StubBackend { path in
            opened(path)
            return TestServer.halfSession()
        }
        return ModelCatalog(
            locations: locations, backend: backend, settings: ModelCatalog.Settings(lanes: 1, maxOpen: maxOpen),
            logger: logger)
    }

    private func id(_ version: Int) -> ModelID { ModelID(dataset: "m", version: "\(version)") }

    @Test func theLeastRecentlyUsedModelGoesForAnother() async throws {
        let opened = Mutex<[String]>([])
        let catalog = catalog(maxOpen: 2) { path in opened.withLock { $0.append(String(path.split(separator: "/")[1])) }
        }
        for version in [1, 2, 1, 3] { _ = try await catalog.model(id(version)) }
        #expect(await catalog.openModels == [id(1), id(3)])
        let first = try await catalog.model(id(2))  // 1 goes
        #expect(await catalog.openModels == [id(3), id(2)])
        #expect(opened.withLock { $0 } == ["1", "2", "3", "2"])
        // Who holds a model that is let go can still use it.
        _ = try await catalog.model(id(1))
        _ = try await catalog.model(id(4))
        #expect(try await first.segmenter.segment(.gradient(width: 8, height: 8)).detections.count == 1)
        #expect(try await catalog.classNames(of: id(2)) == ["left", "right"])
        #expect(await catalog.openModels == [id(1), id(4)], "names are kept, the model need not be opened for them")
        try await catalog.close(id(4))
        #expect(await catalog.openModels == [id(1)])
    }

    @Test func manyAtOnceOpenAModelOnce() async throws {
        let opened = Mutex(0)
        let catalog = catalog(maxOpen: nil) { _ in opened.withLock { $0 += 1 } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = try await catalog.model(self.id(1)) } }
            try await group.waitForAll()
        }
        #expect(opened.withLock { $0 } == 1)
    }

    @Test func aModelOpensEvenWhereNobodyMayWait() async throws {
        let backend = StubBackend { _ in
            let half = TestServer.halfSession()
            return StubSession(model: half.model) { inputs in
                try await Task.sleep(for: .milliseconds(50))
                return try await half.infer(inputs).outputs
            }
        }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let location = ModelLocation(id: id(1), file: URL(filePath: "/m/1/model.onnx"))
        let catalog = ModelCatalog(
            locations: [location], backend: backend, settings: ModelCatalog.Settings(lanes: 2, maxWaiting: 0),
            logger: logger)
        _ = try await catalog.model(id(1))
    }

    @Test func aModelThatNeverLoadsHoldsNeitherItsCallersNorOtherModels() async throws {
        let backend = StubBackend { path in
            if !path.hasPrefix("/m/1/") { try await Task.sleep(for: .seconds(3600)) }
            return TestServer.halfSession()
        }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let locations = (1...8).map {
            ModelLocation(id: id($0), file: URL(filePath: "/m/\($0)/model.onnx"))
        }
        let catalog = ModelCatalog(
            locations: locations, backend: backend,
            settings: ModelCatalog.Settings(lanes: 1, longestWait: .milliseconds(200)), logger: logger)
        await withTaskGroup(of: Void.self) { group in
            for version in 2...8 {
                group.addTask {
                    await #expect(throws: ServingError.self) { try await catalog.model(self.id(version)) }
                }
            }
        }
        _ = try await catalog.model(id(1))
        #expect(await catalog.isLoaded(id(1)))
        #expect(await !catalog.isLoaded(id(2)))
        // Later callers do not wait again, and a load that is not over is neither closed nor begun anew.
        await #expect(throws: ServingError.self) { try await catalog.model(id(2)) }
        try await catalog.close(id(2))
        #expect(await catalog.openModels.contains(id(2)))
        #expect(await catalog.isLoading)
        _ = try await catalog.model(id(1))
    }

    @Test func aRestBeginsOnceAfterWork() async throws {
        let state = ServerState()
        #expect(!state.begins(restAfter: .zero), "nothing was done yet")
        try await state.admitted(limit: 1) { #expect(!state.begins(restAfter: .zero)) }
        #expect(!state.begins(restAfter: .seconds(60)))
        #expect(state.begins(restAfter: .zero))
        #expect(!state.begins(restAfter: .zero))
    }
}
