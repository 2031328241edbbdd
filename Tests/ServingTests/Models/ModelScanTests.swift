import Dispatch
import Foundation
import InstanceSegmentation
import Synchronization
import TestSupport
import Testing

@testable import Serving

/// Looks at folders whose files do not answer.
@Suite(.timeLimit(.minutes(1))) struct ModelScanTests {
    /// Reads no header of a dataset whose name begins with `stuck` until the test ends.
    private final class StuckHeaders: InferenceBackend {
        let name = "stuck"
        let precision = InferencePrecision.float32
        private let gate = DispatchSemaphore(value: 0)

        func describe(modelAt url: URL) throws -> ModelDescription {
            if url.path.contains("/stuck") { gate.wait() }
            return .yolo(names: ["left", "right"], coefficients: 1)
        }

        func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel { throw CancellationError() }

        func open() { for _ in 0..<100 { gate.signal() } }
    }

    @Test func aScanReadsNoHeadersAndItsModelsAreServed() async throws {
        let folder = try ModelFolder(["a": "1", "b": "2"])
        let backend = MarkedBackend()
        let repository = ModelRepository(.folder(folder.root), backend: backend, logger: .silent)
        try await repository.scan()
        #expect(repository.index.ids.map(\.dataset) == ["a", "b"] && backend.descriptionCount == 0)
        for entry in repository.index.entries {
            guard case .pending = entry.metadata else {
                Issue.record("\(entry.id) is not pending")
                continue
            }
        }
        let pool = ModelPool(
            repository: repository, backend: backend, configuration: ModelPool.Configuration(concurrency: 1),
            logger: .silent)
        #expect(try await pool.model(ModelFolder.id("a")).id == ModelFolder.id("a"))
        try await repository.rescan()
        for entry in repository.index.entries {
            guard case .read = entry.metadata else {
                Issue.record("\(entry.id) is not read")
                continue
            }
        }
        let missing = ModelRepository(.folder(folder.root.appending(path: "x")), backend: backend, logger: .silent)
        await #expect(throws: SegmentationError.self) { try await missing.scan() }
    }

    /// Reads a header in 900 ms of a test's clock, and finds it broken.
    private final class SlowHeaders: InferenceBackend {
        let name = "slow"
        let precision = InferencePrecision.float32
        private let clock: ManualClock

        init(_ clock: ManualClock) { self.clock = clock }

        func describe(modelAt url: URL) throws -> ModelDescription {
            clock.advance(by: .milliseconds(900))
            throw SegmentationError.unrecognizedModel(found: "a", expected: "b")
        }

        func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel { throw CancellationError() }
    }

    /// A manual clock that notes how long it was asked to sleep.
    private final class NotingClock: Sendable {
        let manual = ManualClock()
        private let pauses = Mutex<[Duration]>([])

        var clock: MonotonicClock {
            let manual = manual.clock
            return MonotonicClock(
                now: manual.now,
                sleep: { pause in
                    self.pauses.withLock { $0.append(pause) }
                    try await manual.sleep(pause)
                })
        }

        func hasSlept(_ pause: Duration) -> Bool { pauses.withLock { $0.contains(pause) } }
    }

    @Test func brokenHeadersDoNotDelayTheNextLook() async throws {
        let folder = try ModelFolder(["junk": "1"])
        let noting = NotingClock()
        let repository = ModelRepository(
            .folder(folder.root), backend: SlowHeaders(noting.manual), logger: .silent, clock: noting.clock)
        let watch = Task { await repository.watch(every: .milliseconds(1500)) }
        defer { watch.cancel() }
        #expect(try await eventually { noting.hasSlept(.milliseconds(1500)) })
        guard case .failed? = repository.index[ModelFolder.id("junk")]?.metadata else {
            Issue.record("the header was not read before the pause")
            return
        }
    }

    @Test func headersThatNeverAnswerKeepNoLookFromTheFolder() async throws {
        let folder = try ModelFolder(Dictionary(uniqueKeysWithValues: (0..<12).map { ("stuck\($0)", "1") }))
        let backend = StuckHeaders()
        defer { backend.open() }
        let repository = ModelRepository(
            .folder(folder.root), backend: backend, logger: .silent, headerLimit: .milliseconds(20))
        try await repository.rescan()
        try folder.put("new", network: "1")
        try await repository.rescan()
        #expect(repository.index.ids.count == 13)
    }

    @Test func aCanceledLookEndsAtOnceAndSoDoesOneBehindIt() async throws {
        let folder = try ModelFolder(["a": "1", "stuck": "1"])
        let backend = StuckHeaders()
        defer { backend.open() }
        let repository = ModelRepository(
            .folder(folder.root), backend: backend, logger: .silent, headerLimit: .seconds(600))
        let first = Task { try await repository.rescan() }
        #expect(try await eventually { repository.index.revision == 1 })
        let second = Task { try await repository.rescan() }
        try await Task.sleep(for: .milliseconds(20))
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        guard case .pending? = repository.index[ModelFolder.id("stuck")]?.metadata else {
            Issue.record("a canceled look says that the header cannot be used")
            return
        }
    }

    @Test func aSubjectThatDoesNotAnswerHoldsUpNoOther() async throws {
        let thread = FileThread(name: "test", clock: .continuous)
        let gate = DispatchSemaphore(value: 0)
        await #expect(throws: FileThread.Failure.self) {
            try await thread.call("hung", limit: .milliseconds(20)) { gate.wait() }
        }
        #expect(try await thread.call("good", limit: .seconds(30)) { 1 } == 1)
        await #expect {
            try await thread.call("hung", limit: .seconds(30)) {}
        } throws: {
            guard case .stuck? = $0 as? FileThread.Failure else { return false }
            return true
        }
        gate.signal()
        #expect(
            try await eventually {
                do { return try await thread.call("hung", limit: .seconds(30)) { true } } catch { return false }
            })
    }
}
