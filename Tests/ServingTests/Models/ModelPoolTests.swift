import Foundation
import InstanceSegmentation
import Synchronization
import TestSupport
import Testing

@testable import Serving

/// A pool over a folder, with a clock that the test moves.
struct PoolFixture {
    let backend = MarkedBackend()
    let clock = ManualClock()
    let folder: ModelFolder
    let repository: ModelRepository
    let pool: ModelPool

    init(
        _ networks: [String: String], limits: PoolLimits = PoolLimits(),
        onRemove: @escaping @Sendable (ModelID) -> Void = { _ in }
    ) async throws {
        folder = try ModelFolder(networks)
        repository = ModelRepository(.folder(folder.root), backend: backend, logger: .silent)
        pool = ModelPool(
            repository: repository, backend: backend,
            configuration: ModelPool.Configuration(concurrency: 1, limits: limits, onRemove: onRemove),
            logger: .silent, clock: clock.clock)
        try await repository.rescan()
    }

    func model(_ dataset: String) async throws -> ServedModel { try await pool.model(ModelFolder.id(dataset)) }

    /// The number of the network that answers.
    func answer(_ model: ServedModel) async throws -> Int {
        let found = try await model.segmenter.segment(.gradient(width: 8, height: 8))
        guard let detection = found.detections.first else { return -1 }
        return Int(((Double(detection.confidence) - 0.5) * 1000).rounded())
    }

    /// Tells the pool of what is on disk now.
    func rescan() async throws {
        try await repository.rescan()
        await pool.refresh()
    }

    func isIdle() async throws -> Bool { await !pool.isLoading }
}

@Suite(.timeLimit(.minutes(1))) struct ModelPoolTests {
    private func id(_ dataset: String) -> ModelID { ModelFolder.id(dataset) }

    @Test func manyCallersShareOneLoad() async throws {
        let fixture = try await PoolFixture(["a": "1"])
        let generations = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try await fixture.model("a").generation } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(generations.count == 1 && fixture.backend.loads == ["a"])
        #expect(try await fixture.answer(fixture.model("a")) == 1)
        #expect(fixture.pool.snapshot.loaded == 1 && fixture.pool.snapshot.counters.loads == 1)
    }

    @Test func anUnknownModelIsRefusedAndNothingIsLoaded() async throws {
        let fixture = try await PoolFixture(["a": "1", "b": "broken"])
        let unknown = PoolError.unknownModel(id("x"), served: [id("a"), id("b")])
        await #expect(throws: unknown) { try await fixture.model("x") }
        await #expect(throws: unknown) { try await fixture.pool.close(self.id("x")) }
        #expect(fixture.backend.loads.isEmpty)
    }

    @Test func whoeverStartsALoadWaitsThoughNoneMayWait() async throws {
        let fixture = try await PoolFixture(["a": "1"], limits: PoolLimits(maxWaiting: 0))
        fixture.backend.hold("a")
        let first = Task { try await fixture.model("a") }
        #expect(try await eventually { fixture.pool.snapshot.waiting == 1 })
        await #expect(throws: PoolError.overloaded) { try await fixture.model("a") }
        fixture.backend.release("a")
        #expect(try await fixture.answer(first.value) == 1)
        #expect(try await fixture.answer(fixture.model("a")) == 1)
    }

    @Test func aBrokenModelEvictsNothingAndIsNotReadByEveryRequest() async throws {
        let fixture = try await PoolFixture(["a": "1", "b": "2", "broken": "x"], limits: PoolLimits(maxModels: 2))
        let (a, b) = (try await fixture.model("a"), try await fixture.model("b"))
        let before = fixture.backend.descriptionCount
        for _ in 0..<5 {
            await #expect(throws: PoolError.unusable(id("broken"), reason: "'x' is not a network.")) {
                try await fixture.model("broken")
            }
        }
        #expect(fixture.backend.descriptionCount == before + 1)
        for model in [a, b] { #expect(await fixture.pool.isLoaded(model.id)) }
        fixture.clock.advance(by: .seconds(1))
        await #expect(throws: PoolError.self) { try await fixture.model("broken") }
        #expect(fixture.backend.descriptionCount == before + 2)
        // Mended, it is loaded at once, and evicts the model that was not used for longest.
        try fixture.folder.put("broken", network: "3")
        try await fixture.rescan()
        #expect(try await fixture.model("a").generation == a.generation)
        #expect(try await fixture.answer(fixture.model("broken")) == 3)
        #expect(await fixture.pool.isLoaded(a.id))
        #expect(await !fixture.pool.isLoaded(b.id))
        #expect(fixture.pool.snapshot.counters.evictions == 1)
    }

    @Test func anEvictedModelStaysForThoseWhoUseIt() async throws {
        let fixture = try await PoolFixture(["a": "1", "b": "2"], limits: PoolLimits(maxModels: 1))
        var a: ServedModel? = try await fixture.model("a")
        _ = try await fixture.model("b")
        #expect(await !fixture.pool.isLoaded(id("a")))
        #expect(fixture.backend.aliveCount == 2)
        if let a { #expect(try await fixture.answer(a) == 1) }
        a = nil
        #expect(try await eventually { fixture.backend.aliveCount == 1 })
        try await fixture.pool.close(id("b"))
        #expect(try await eventually { fixture.backend.aliveCount == 0 })
        #expect(fixture.pool.snapshot.loaded == 0)
    }

    @Test func aCanceledCallerLeavesAtOnce() async throws {
        let fixture = try await PoolFixture(["a": "1", "b": "1", "c": "1"])
        defer { for dataset in ["a", "b"] { fixture.backend.release(dataset) } }
        fixture.backend.hold("a")
        fixture.backend.hold("b")
        let tasks = ["a", "b", "c"].map { dataset in Task { try await fixture.model(dataset) } }
        #expect(try await eventually { fixture.pool.snapshot.waiting == 3 })
        let queued = fixture.pool.snapshot.queued
        for task in tasks {
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(queued == 1 && fixture.pool.snapshot.queued == 0, "no caller wants the load that has not started")
        #expect(fixture.pool.snapshot.waiting == 0)
        // Canceled before it asks.
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await fixture.model("a")
        }
        await #expect(throws: CancellationError.self) { try await late.value }
        fixture.backend.release("a")
        #expect(try await fixture.answer(fixture.model("a")) == 1, "the load goes on")
    }

    @Test func atMostTwoLoadsRunAtOnceAndFewRequestsWait() async throws {
        let fixture = try await PoolFixture(
            ["a": "1", "b": "1", "c": "1", "d": "1"], limits: PoolLimits(maxWaiting: 3))
        fixture.backend.hold("a")
        let tasks = (0..<3).map { _ in Task { try await fixture.model("a") } }
        #expect(try await eventually { fixture.pool.snapshot.waiting == 3 })
        await #expect(throws: PoolError.overloaded) { try await fixture.model("a") }
        for dataset in ["b", "c", "d"] { _ = try await fixture.model(dataset) }
        fixture.backend.release("a")
        for task in tasks { _ = try await task.value }
        #expect(fixture.backend.mostAtOnce == 2)
    }

    @Test func loadsThatNeverEndHoldNeitherCallersNorOtherModels() async throws {
        let stuck = (1...10).map { "stuck\($0)" }
        var networks = Dictionary(uniqueKeysWithValues: stuck.map { ($0, "1") })
        networks["good"] = "1"
        let fixture = try await PoolFixture(networks)
        defer { for dataset in stuck { fixture.backend.release(dataset) } }
        for dataset in stuck { fixture.backend.hold(dataset) }
        // More of them than there are cooperative threads, and than may run.
        for pair in [stuck[0..<2], stuck[2..<4], stuck[4..<6], stuck[6..<8]] {
            let tasks = pair.map { dataset in Task { try await fixture.model(dataset) } }
            #expect(try await eventually { fixture.pool.snapshot.waiting == 2 })
            fixture.clock.advance(by: .seconds(30))
            for task in tasks { await #expect(throws: PoolError.notReady) { try await task.value } }
        }
        #expect(fixture.pool.snapshot.loading == 8)
        #expect(try await fixture.answer(fixture.model("good")) == 1)
        // Later callers do not wait again, and a load that has not ended is neither closed nor begun anew.
        await #expect(throws: PoolError.notReady) { try await fixture.model("stuck1") }
        try await fixture.pool.close(id("stuck1"))
        #expect(await fixture.pool.isLoading && fixture.pool.snapshot.loading == 8)
        #expect(try await fixture.answer(fixture.model("good")) == 1)
    }

    @Test func aRemovedModelIsRefusedAndReturns() async throws {
        let removed = Mutex<[ModelID]>([])
        let fixture = try await PoolFixture(["a": "1"]) { id in removed.withLock { $0.append(id) } }
        let old = try await fixture.model("a")
        try fixture.folder.remove("a")
        try await fixture.rescan()
        #expect(fixture.pool.snapshot.loaded == 0)
        #expect(removed.withLock { $0 } == [id("a")])
        await #expect(throws: PoolError.unknownModel(id("a"), served: [])) { try await fixture.model("a") }
        #expect(try await fixture.answer(old) == 1)
        try fixture.folder.put("a", network: "2")
        try await fixture.rescan()
        #expect(try await fixture.answer(fixture.model("a")) == 2)
    }

    @Test func aModelThatIsRemovedDuringItsLoadIsRefusedAtOnce() async throws {
        let fixture = try await PoolFixture(["a": "1", "b": "1"])
        fixture.backend.hold("a")
        let task = Task { try await fixture.model("a") }
        #expect(try await eventually { fixture.backend.loads == ["a"] })
        try fixture.folder.remove("a")
        try await fixture.rescan()
        await #expect(throws: PoolError.unknownModel(id("a"), served: [id("b")])) { try await task.value }
        fixture.backend.release("a")
        #expect(try await eventually(fixture.isIdle))
        #expect(fixture.backend.aliveCount == 0)
    }

    @Test func closingDuringALoadLeavesItsCallersTheirModel() async throws {
        let fixture = try await PoolFixture(["a": "1"])
        fixture.backend.hold("a")
        let task = Task { try await fixture.model("a") }
        #expect(try await eventually { fixture.backend.loads == ["a"] })
        try await fixture.pool.close(id("a"))
        fixture.backend.release("a")
        #expect(try await fixture.answer(task.value) == 1)
        try await fixture.pool.close(id("a"))
        #expect(await !fixture.pool.isLoaded(id("a")))
        #expect(try await fixture.answer(fixture.model("a")) == 1)
    }
}
