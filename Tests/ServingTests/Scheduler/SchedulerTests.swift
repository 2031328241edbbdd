import Serving
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct SchedulerTests {
    private struct Failure: Error {}

    private let fixture = SchedulerFixture()
    private var scheduler: Scheduler { fixture.scheduler }

    @Test func limitsOutsideTheRangeAreMovedIntoIt() {
        let low = SchedulerLimits(concurrency: .min, maxQueue: .min, queueTimeout: .seconds(-1))
        #expect(low.slots == 2 && low.maxQueue == 0 && low.queueTimeout == .milliseconds(1))
        let high = SchedulerLimits(concurrency: .max, maxQueue: .max, queueTimeout: .seconds(Int64.max))
        #expect(high.slots == 4097 && high.maxQueue == 100_000 && high.queueTimeout == .seconds(86_400))
    }

    @Test func aFreeSlotIsGrantedAtOnceAndReleased() async throws {
        let running = try await scheduler.withSlot(model: "m", key: nil, bytes: 100, deadline: nil) { waited in
            #expect(waited == .zero && fixture.memory.usage[.images] == 100)
            return scheduler.snapshot.running
        }
        #expect(running == 1 && scheduler.snapshot.completed == 1 && scheduler.snapshot.capacity == 2)
        await fixture.expectIdle()
    }

    @Test func aFailedRequestReleasesItsSlot() async {
        for _ in 0..<5 {
            await #expect(throws: Failure.self) {
                try await scheduler.withSlot(model: "m", key: nil, bytes: 7, deadline: nil) { _ in throw Failure() }
            }
        }
        #expect(scheduler.snapshot.failed == 5 && scheduler.snapshot.completed == 0)
        await fixture.expectIdle()
    }

    @Test @MainActor func theBodyRunsWhereTheCallerDoes() async throws {
        var log: [String] = []
        try await scheduler.withSlot(model: "m", key: nil, bytes: 0, deadline: nil) { _ in
            MainActor.assertIsolated()
            log.append("ran")
        }
        #expect(log == ["ran"])
    }

    @Test func aRequestWaitsForASlotAndIsToldHowLong() async throws {
        let latch = Latch()
        let running = await fixture.fill(until: latch)
        let waited = Mutex(Duration.zero)
        let waiting = await fixture.start { duration in waited.withLock { $0 = duration } }
        #expect(scheduler.snapshot.waiting == 1)
        fixture.clock.advance(by: .seconds(3))
        latch.open()
        for task in running + [waiting] { try await task.value }
        #expect(waited.withLock(\.self) == .seconds(3))
        await fixture.expectIdle()
    }

    @Test func aCanceledRequestLeavesTheQueueAtOnce() async throws {
        let latch = Latch()
        let running = await fixture.fill(until: latch)
        let waiting = await fixture.start { _ in Issue.record("a canceled request ran") }
        waiting.cancel()
        try #require(await soon { scheduler.snapshot.cancelled == 1 }, "before a slot is free")
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(scheduler.snapshot.waiting == 0 && scheduler.snapshot.cancelled == 1 && scheduler.snapshot.running == 2)
        latch.open()
        for task in running { try await task.value }
        await fixture.expectIdle()
    }

    @Test func aRequestThatIsCanceledBeforeItComesDoesNotRun() async {
        let latch = Latch()
        let task = Task {
            await latch.wait()
            try await scheduler.withSlot(model: "m", key: nil, bytes: 0, deadline: nil) { _ in
                _ = Issue.record("a canceled request ran")
            }
        }
        task.cancel()
        latch.open()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(scheduler.snapshot.cancelled == 1)
        await fixture.expectIdle()
    }

    @Test func aRequestThatIsCanceledWhileItRunsIsCounted() async {
        let latch = Latch()
        let task = await fixture.start { _ in
            await latch.wait()
            try Task.checkCancellation()
        }
        task.cancel()
        latch.open()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(scheduler.snapshot.cancelled == 1 && scheduler.snapshot.failed == 0)
        await fixture.expectIdle()
    }

    @Test(arguments: [(nil, 30), (Duration.seconds(5), 5), (.seconds(100), 30), (.seconds(Int64.max), 30)])
    func waitingEndsAtTheEarlierOfDeadlineAndTimeout(deadline: Duration?, seconds: Int) async throws {
        let latch = Latch()
        let running = await fixture.fill(until: latch)
        let late = await fixture.start(deadline: deadline) { _ in Issue.record("a late request ran") }
        #expect(await soon { fixture.clock.sleeperCount == 1 })
        fixture.clock.advance(by: .seconds(seconds) - .nanoseconds(1))
        #expect(scheduler.snapshot.waiting == 1)
        fixture.clock.advance(by: .nanoseconds(1))
        let error = SchedulerError.deadlineExceeded(waited: .seconds(seconds))
        await #expect(throws: error) { try await late.value }
        #expect(scheduler.snapshot.timedOut == 1 && scheduler.snapshot.waiting == 0)
        latch.open()
        for task in running { try await task.value }
        await fixture.expectIdle()
    }

    @Test func aSlotThatComesAfterTheDeadlineIsPassedOn() async throws {
        let latch = Latch()
        let running = await fixture.fill(until: latch)
        let late = await fixture.start(deadline: .seconds(5)) { _ in Issue.record("a late request ran") }
        let patient = await fixture.start { _ in }
        fixture.clock.skip(.seconds(6))
        latch.open()
        await #expect(throws: SchedulerError.deadlineExceeded(waited: .seconds(6))) { try await late.value }
        for task in running + [patient] { try await task.value }
        #expect(scheduler.snapshot.timedOut == 1 && scheduler.snapshot.completed == 3)
        await fixture.expectIdle()
    }

    @Test func slotsAlternateBetweenKeys() async throws {
        let (latch, gate) = (Latch(), Latch())
        let order = Mutex([String]())
        // One slot stays taken, so that the others run one after another.
        let long = await fixture.start(key: "long") { _ in await latch.wait() }
        let first = await fixture.start(key: "first") { _ in await gate.wait() }
        var tasks = [first]
        for key in ["a", "a", "a", "a", "b", "b", "b", "b"] {
            tasks.append(await fixture.start(key: key) { _ in order.withLock { $0.append(key) } })
        }
        gate.open()
        for task in tasks { try await task.value }
        #expect(order.withLock(\.self) == ["a", "b", "a", "b", "a", "b", "a", "b"])
        latch.open()
        try await long.value
        await fixture.expectIdle()
    }
}
