import Foundation
import InstanceSegmentation
import Synchronization
import TestSupport
import Testing

@testable import Serving

/// Files that change while their model is served.
@Suite(.timeLimit(.minutes(2))) struct ModelReloadTests {
    private let a = ModelFolder.id("a")

    @Test func changedFilesTakeThePlaceOfTheOldOnesWhenTheyAreLoaded() async throws {
        let fixture = try await PoolFixture(["a": "1"])
        let old = try await fixture.model("a")
        fixture.backend.hold("a")
        try fixture.folder.put("a", network: "2")
        try await fixture.rescan()
        #expect(try await eventually { fixture.backend.loads.count == 2 })
        #expect(try await fixture.model("a").generation == old.generation, "served until the other is warm")
        #expect(try await fixture.pool.status(of: a).isOutdated)
        fixture.backend.release("a")
        #expect(try await eventually(fixture.isIdle))
        let new = try await fixture.model("a")
        #expect(new.generation > old.generation)
        #expect(try await fixture.answer(new) == 2 && new.classNames == ["left 2", "right"])
        #expect(try await fixture.answer(old) == 1 && old.classNames == ["left 1", "right"])
        #expect(fixture.pool.snapshot.counters.reloads == 1)
        #expect(try await !fixture.pool.status(of: a).isOutdated)
    }

    @Test func brokenFilesLeaveTheOldModelServing() async throws {
        let fixture = try await PoolFixture(["a": "1"])
        let old = try await fixture.model("a")
        try fixture.folder.put("a", network: "broken")
        try await fixture.rescan()
        #expect(try await eventually { fixture.pool.snapshot.counters.failedReloads == 1 })
        for _ in 0..<10 { #expect(try await fixture.model("a").generation == old.generation) }
        let status = try await fixture.pool.status(of: a)
        #expect(status.generation == old.generation && status.isOutdated && status.failure?.attempts == 1)
        #expect(status.failure?.reason == "'broken' is not a network.")
        #expect(abs(status.failure?.date.timeIntervalSinceNow ?? .infinity) < 60)
        #expect(fixture.pool.snapshot.counters.failedReloads == 1, "not read again by every request")
        #expect(try await fixture.answer(fixture.model("a")) == 1)
        // Settings are files too.
        try fixture.folder.put("a", network: "3")
        try fixture.folder.write("{\"inputSize\": -1}", to: "a", "model.json")
        try await fixture.rescan()
        #expect(try await eventually { fixture.pool.snapshot.counters.failedReloads == 2 })
        #expect(try await fixture.answer(fixture.model("a")) == 1)
        try fixture.folder.write("{}", to: "a", "model.json")
        try await fixture.rescan()
        #expect(try await eventually { fixture.pool.snapshot.counters.reloads == 1 })
        #expect(try await fixture.answer(fixture.model("a")) == 3)
        #expect(try await fixture.pool.status(of: a).failure == nil)
    }

    @Test func aModelNeverHasTheSettingsOfAnother() async throws {
        let fixture = try await PoolFixture(["a": "1"])
        fixture.backend.hold("a")
        let task = Task { try await fixture.model("a") }
        #expect(try await eventually { fixture.backend.loads.count == 1 })
        // The settings are read; the network is read from the new file.
        try fixture.folder.put("a", network: "2")
        fixture.backend.release("a")
        let model = try await task.value
        #expect(try await fixture.answer(model) == 2 && model.classNames == ["left 2", "right"])
        #expect(fixture.backend.loads.count == 2)
        // The pool knows that it has the new files already.
        try await fixture.rescan()
        #expect(try await eventually(fixture.isIdle))
        #expect(fixture.backend.loads.count == 2)
    }

    private final class Progress: Sendable {
        let state = Mutex((isOver: false, answers: 0, networks: Set<Int>()))
    }

    /// Requests come without a pause while the files are replaced, now and then by broken ones.
    @Test func noRequestIsDroppedOrMixedWhileFilesAreReplaced() async throws {
        let fixture = try await PoolFixture(["a": "1"])
        let follow = Task { await fixture.pool.run() }
        let watch = Task { await fixture.repository.watch(every: .milliseconds(5)) }
        let progress = Progress()
        _ = try await fixture.model("a")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var last = 0
                    while !progress.state.withLock({ $0.isOver }) {
                        let model = try await fixture.model("a")
                        #expect(model.generation >= last, "no request goes back to an older model")
                        last = model.generation
                        let number = try await fixture.answer(model)
                        #expect(model.classNames == ["left \(number)", "right"], "an answer belongs to one generation")
                        progress.state.withLock {
                            $0.answers += 1
                            $0.networks.insert(number)
                        }
                    }
                }
            }
            group.addTask {
                for number in 2...21 {
                    try fixture.folder.put("a", network: number % 5 == 0 ? "broken" : "\(number)")
                    if number % 5 == 0 {
                        let failures = number / 5
                        #expect(
                            try await eventually { fixture.pool.snapshot.counters.failedReloads >= failures })
                    } else {
                        #expect(try await eventually { progress.state.withLock { $0.networks.contains(number) } })
                    }
                }
                progress.state.withLock { $0.isOver = true }
            }
            try await group.waitForAll()
        }
        let (answers, networks) = progress.state.withLock { ($0.answers, $0.networks) }
        #expect(networks.isSuperset(of: (2...21).filter { $0 % 5 != 0 }) && answers > 20)
        #expect(try await eventually { fixture.backend.aliveCount == 1 })
        watch.cancel()
        follow.cancel()
        await watch.value
        await follow.value
    }

    @Test func aVersionThatAppearsIsServed() async throws {
        let fixture = try await PoolFixture(["a": "1"])
        let follow = Task { await fixture.pool.run() }
        let watch = Task { await fixture.repository.watch(every: .milliseconds(5)) }
        _ = try await fixture.model("a")
        try fixture.folder.put("b", network: "2")
        #expect(
            try await eventually {
                do { return try await fixture.answer(fixture.model("b")) == 2 } catch is PoolError { return false }
            })
        try fixture.folder.remove("a")
        #expect(try await eventually { fixture.pool.snapshot.loaded == 1 })
        await #expect(throws: PoolError.self) { try await fixture.model("a") }
        watch.cancel()
        follow.cancel()
        await watch.value
        await follow.value
    }
}
