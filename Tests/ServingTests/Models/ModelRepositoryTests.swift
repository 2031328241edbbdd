import Foundation
import Imaging
import InstanceSegmentation
import Logging
import RuntimeSupport
import Synchronization
import TestSupport
import Testing

@testable import Serving

@Suite(.timeLimit(.minutes(1))) struct ModelRepositoryTests {
    private let backend = MarkedBackend()

    private func repository(_ folder: ModelFolder, headerLimit: Duration = .seconds(10)) -> ModelRepository {
        ModelRepository(.folder(folder.root), backend: backend, logger: .silent, headerLimit: headerLimit)
    }

    /// Reads headers of real files and loads nothing.
    private struct HeaderBackend: InferenceBackend {
        let name = "headers"
        let precision = InferencePrecision.float32

        func describe(modelAt url: URL) throws -> ModelDescription {
            guard let header = try ONNXHeader(modelAt: url.path) else { throw CocoaError(.fileNoSuchFile) }
            return ModelDescription(inputs: header.inputs, outputs: header.outputs, metadata: header.metadata)
        }

        func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel {
            Issue.record("listing loads nothing")
            throw CancellationError()
        }
    }

    @Test func headersOfRealFilesAreListed() async throws {
        let root = try TestFiles.temporaryFolder()
        for name in ["family-yolact", "family-fastsam", "quantized", "family-mmdeploy"] {
            let folder = root.appending(path: "\(name)/2")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: TestFiles.fixture("\(name).onnx"), to: folder.appending(path: "\(name).onnx"))
        }
        let repository = ModelRepository(.folder(root), backend: HeaderBackend(), logger: .silent)
        try await repository.rescan()
        let index = repository.index
        #expect(
            index.ids.map(\.description) == ["family-fastsam/2", "family-mmdeploy/2", "family-yolact/2", "quantized/2"])
        for entry in index.entries {
            #expect(entry.modified != nil)
            func recognize() throws -> any SegmentationModel {
                try ModelFamily.model(
                    for: HeaderBackend().describe(modelAt: entry.location.file), settings: entry.location.settings())
            }
            switch entry.metadata {
            case .read(let metadata):
                #expect(!metadata.inputs.isEmpty)
                if let found = metadata.recognition {
                    let segmentation = try recognize()
                    #expect(found.classNames == segmentation.classNames && found.family == segmentation.family)
                    #expect(found.inputSize.area > 0)
                } else {
                    // Its header leaves free what tells the family.
                    #expect(throws: SegmentationError.self) { try recognize() }
                }
            case .failed(let reason):
                #expect(throws: SegmentationError.self, "\(reason)") { try recognize() }
            case .pending: Issue.record("\(entry.id) is pending")
            }
        }
        #expect(
            index.entries.contains {
                if case .read(let found) = $0.metadata { found.recognition != nil } else { false }
            })
    }

    private func names(_ repository: ModelRepository, _ dataset: String) -> [String]? {
        guard case .read(let metadata)? = repository.index[ModelFolder.id(dataset)]?.metadata else { return nil }
        return metadata.recognition?.classNames
    }

    @Test func aHeaderIsReadOnceForEachStateOfItsFiles() async throws {
        let folder = try ModelFolder(["a": "1", "b": "2"])
        let repository = repository(folder)
        try await repository.rescan()
        for _ in 0..<3 { try await repository.pass(takesAll: false) }
        try await repository.rescan()
        #expect(backend.descriptionCount == 2)
        #expect(repository.index.revision == 2, "the models, and then their headers")
        #expect(backend.loads.isEmpty)
    }

    @Test func changesAreTakenOverWhenTheFilesHoldStill() async throws {
        let folder = try ModelFolder(["a": "1"])
        let repository = repository(folder)
        try await repository.pass(takesAll: false)
        #expect(names(repository, "a") == ["left 1", "right"], "the first look takes everything over")
        // In place, piece by piece.
        for text in ["l", "left", "left new\nrig", "left new\nright"] {
            try folder.write(text, to: "a", "class_names.txt")
            try await repository.pass(takesAll: false)
            #expect(names(repository, "a") == ["left 1", "right"])
        }
        try await repository.pass(takesAll: false)
        #expect(names(repository, "a") == ["left new", "right"])
        // By renaming.
        try folder.put("a", network: "2")
        try folder.put("b", network: "3")
        try await repository.pass(takesAll: false)
        #expect(names(repository, "a") == ["left new", "right"] && names(repository, "b") == nil)
        try await repository.pass(takesAll: false)
        #expect(names(repository, "a") == ["left 2", "right"] && names(repository, "b") == ["left 3", "right"])
        // At once, where the operator says so.
        try folder.put("a", network: "4")
        try await repository.rescan()
        #expect(names(repository, "a") == ["left 4", "right"])
    }

    @Test func aModelThatIsMissingForAMomentStays() async throws {
        let folder = try ModelFolder(["a": "1", "b": "1"])
        let repository = repository(folder)
        try await repository.rescan()
        try folder.remove("a")
        try await repository.pass(takesAll: false)
        #expect(repository.index.ids.map(\.dataset) == ["a", "b"])
        try folder.put("a", network: "1")
        try await repository.pass(takesAll: false)
        try folder.remove("a")
        try await repository.pass(takesAll: false)
        #expect(repository.index.ids.map(\.dataset) == ["a", "b"])
        try await repository.pass(takesAll: false)
        #expect(repository.index.ids.map(\.dataset) == ["b"])
        try folder.remove("b")
        try await repository.rescan()
        #expect(repository.index.ids.isEmpty)
    }

    @Test func whatCannotBeReadForTheMomentStays() async throws {
        let folder = try ModelFolder(["a": "1", "b": "1"])
        let repository = repository(folder)
        try await repository.rescan()
        let dataset = folder.root.appending(path: "a")
        try FileManager.default.removeItem(at: dataset)
        try FileManager.default.createSymbolicLink(at: dataset, withDestinationURL: dataset)  // opening it fails: ELOOP
        for _ in 0..<3 { try await repository.pass(takesAll: false) }
        #expect(repository.index.ids.map(\.dataset) == ["a", "b"])
        try FileManager.default.removeItem(at: folder.root)
        await #expect(throws: SegmentationError.self) { try await repository.rescan() }
        #expect(repository.index.ids.count == 2)
    }

    @Test func everySettingsFileBelongsToTheFingerprint() async throws {
        let folder = try ModelFolder(["a": "1"])
        let location = ModelLocation(id: ModelFolder.id("a"), file: folder.file("a"))
        var seen: Set<ModelFingerprint> = [try ModelFingerprint(of: location)]
        let others = ["model.onnx.data", "model.onnx_data", "weights.bin", "any name"]
        try folder.write(#"{"namesFile": "any name"}"#, to: "a", "model.json")
        #expect(seen.insert(try ModelFingerprint(of: location)).inserted)
        for name in ModelSettings.fileNames.sorted() + others {
            try folder.write(#"{"namesFile": "any name"} "#, to: "a", name)
            #expect(seen.insert(try ModelFingerprint(of: location)).inserted, "\(name)")
        }
        try folder.write("x", to: "a", "README.md")
        #expect(!seen.insert(try ModelFingerprint(of: location)).inserted)
        // The list is that of the files which are read.
        for name in ModelSettings.fileNames where name.hasSuffix(".json") {
            let folder = try ModelFolder(["a": "1"])
            try folder.write("[]", to: "a", name)
            #expect(throws: SegmentationError.self, "\(name)") {
                try ModelLocation(id: ModelFolder.id("a"), file: folder.file("a")).settings()
            }
        }
    }

    @Test func hostileFilesKeepNoOtherFromTheList() async throws {
        let folder = try ModelFolder(["good": "1", "infer": "1", "broken": "x", "pipe": "1", "names": "1", "zero": "1"])
        for (dataset, name) in [("pipe", "model.onnx"), ("names", "class_names.txt")] {
            try FileManager.default.removeItem(at: folder.file(dataset, name))
            #expect(mkfifo(folder.file(dataset, name).path, 0o600) == 0)
        }
        try FileManager.default.removeItem(at: folder.file("zero"))
        try FileManager.default.createSymbolicLink(
            at: folder.file("zero"), withDestinationURL: URL(filePath: "/dev/zero"))
        try Data("no folder".utf8).write(to: folder.root.appending(path: "file"))
        let repository = repository(folder)
        try await repository.rescan()
        #expect(
            repository.index.ids.map(\.dataset) == ["broken", "good", "names", "pipe", "zero"], "'infer' is reserved")
        #expect(names(repository, "good") == ["left 1", "right"])
        let reasons = [
            "broken": "'x' is not a network.", "pipe": "model.onnx is a named pipe; expected an ordinary file.",
            "names": "class_names.txt is a named pipe; expected an ordinary file.",
            "zero": "model.onnx is a device; expected an ordinary file.",
        ]
        for (dataset, reason) in reasons {
            guard case .failed(reason)? = repository.index[ModelFolder.id(dataset)]?.metadata else {
                Issue.record("\(dataset): \(String(describing: repository.index[ModelFolder.id(dataset)]?.metadata))")
                continue
            }
        }
    }

    @Test func aHeaderThatIsNeverReadHoldsUpNoOther() async throws {
        struct Stuck: InferenceBackend {
            let name = "stuck"
            let precision = InferencePrecision.float32
            let gate: DispatchSemaphore
            func describe(modelAt url: URL) throws -> ModelDescription {
                if url.path.contains("stuck") { gate.wait() }
                return .yolo(names: ["left", "right"], coefficients: 1)
            }
            func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel { throw CancellationError() }
        }
        let folder = try ModelFolder(["a": "1", "b": "1", "stuck": "1", "z": "1"])
        let gate = DispatchSemaphore(value: 0)
        defer { gate.signal() }
        let repository = ModelRepository(
            .folder(folder.root), backend: Stuck(gate: gate), logger: .silent, headerLimit: .milliseconds(200))
        try await repository.rescan()
        for dataset in ["a", "b", "z"] { #expect(names(repository, dataset) == ["left 1", "right"]) }
        guard case .failed? = repository.index[ModelFolder.id("stuck")]?.metadata else {
            Issue.record("the stuck header is not told")
            return
        }
    }

    /// A backend that is out of descriptors for a while.
    private struct Hindered: InferenceBackend {
        let name = "hindered"
        let precision = InferencePrecision.float32
        let isHindered: @Sendable () -> Bool
        func describe(modelAt url: URL) throws -> ModelDescription {
            if isHindered() { throw SegmentationError.invalidConfiguration("The model file cannot be read.") }
            return .yolo(names: ["left", "right"], coefficients: 1)
        }
        func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel { throw CancellationError() }
    }

    @Test(arguments: [false, true]) func aHeaderThatCouldNotBeReadIsReadAgain(byAsking: Bool) async throws {
        let folder = try ModelFolder(["a": "1"])
        let isHindered = Mutex(true)
        let repository = ModelRepository(
            .folder(folder.root), backend: Hindered { isHindered.withLock(\.self) }, logger: .silent)
        try await repository.rescan()
        guard case .failed? = repository.index[ModelFolder.id("a")]?.metadata else {
            Issue.record("the header was read")
            return
        }
        isHindered.withLock { $0 = false }
        if byAsking {
            try await repository.rescan()
        } else {
            let watch = Task { await repository.watch(every: .milliseconds(20)) }
            for await index in await repository.changes() {
                if case .read? = index[ModelFolder.id("a")]?.metadata { break }
            }
            watch.cancel()
        }
        #expect(names(repository, "a") == ["left 1", "right"])
    }

    @Test func watchingPublishesChanges() async throws {
        let folder = try ModelFolder(["a": "1"])
        let repository = repository(folder)
        let watch = Task { await repository.watch(every: .milliseconds(20)) }
        var hasAdded = false
        var hasRemoved = false
        for await index in await repository.changes() {
            if !hasAdded, case .read? = index[ModelFolder.id("a")]?.metadata {
                try folder.put("b", network: "2")
                hasAdded = true
            } else if !hasRemoved, case .read? = index[ModelFolder.id("b")]?.metadata {
                try folder.remove("a")
                hasRemoved = true
            } else if hasRemoved, index[ModelFolder.id("a")] == nil {
                break
            }
        }
        watch.cancel()
        await watch.value
    }
}

extension Logger {
    /// A logger whose lines nobody reads.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
