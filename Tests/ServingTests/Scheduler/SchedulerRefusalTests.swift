import Serving
import Testing

private let mebibyte = 1 << 20

/// Refusals, and waiting for memory.
@Suite(.timeLimit(.minutes(1))) struct SchedulerRefusalTests {
    private let fixture = SchedulerFixture()
    private var scheduler: Scheduler { fixture.scheduler }

    @Test(arguments: [Duration.zero, .seconds(-1)])
    func aRequestWhoseDeadlineHasPassedIsRefused(deadline: Duration) async {
        await #expect(throws: SchedulerError.queueFull(retryAfter: 1)) {
            try await scheduler.withSlot(model: "m", key: nil, bytes: 0, deadline: deadline) { _ in }
        }
        #expect(scheduler.snapshot.refused == 1)
    }

    @Test func aRequestThatWouldNotRunInTimeIsRefusedAtOnce() async throws {
        let latch = Latch()
        for _ in 0..<8 {
            try await scheduler.withSlot(model: "m", key: nil, bytes: 0, deadline: nil) { _ in
                fixture.clock.advance(by: .seconds(4))
            }
        }
        let running = await fixture.fill(until: latch)
        await #expect(throws: SchedulerError.queueFull(retryAfter: 2)) {
            try await scheduler.withSlot(model: "m", key: nil, bytes: 0, deadline: .milliseconds(1900)) { _ in }
        }
        let waiting = await fixture.start(deadline: .milliseconds(2100)) { _ in }
        #expect(scheduler.snapshot.waiting == 1 && scheduler.snapshot.refused == 1)
        latch.open()
        for task in running + [waiting] { try await task.value }
        await fixture.expectIdle()
    }

    @Test func aFullQueueRefusesEarlyAndAfterwards() async throws {
        let (fixture, latch) = (SchedulerFixture(maxQueue: 1), Latch())
        let scheduler = fixture.scheduler
        try scheduler.checkRoom()
        let running = await fixture.fill(until: latch)
        try scheduler.checkRoom()
        let waiting = await fixture.start { _ in }
        #expect(throws: SchedulerError.queueFull(retryAfter: 1)) { try scheduler.checkRoom() }
        await #expect(throws: SchedulerError.queueFull(retryAfter: 1)) {
            try await scheduler.withSlot(model: "m", key: nil, bytes: 0, deadline: nil) { _ in }
        }
        #expect(scheduler.snapshot.refused == 2)
        latch.open()
        for task in running + [waiting] { try await task.value }
        try scheduler.checkRoom()
        await fixture.expectIdle()
    }

    @Test func aKeyThatFillsTheQueueDoesNotShutOutAnother() async throws {
        let (fixture, latch) = (SchedulerFixture(maxQueue: 3), Latch())
        let scheduler = fixture.scheduler
        let running = await fixture.fill(until: latch)
        var flood: [Task<Void, any Error>] = []
        for _ in 0..<3 { flood.append(await fixture.start(key: "flood") { _ in }) }
        #expect(throws: SchedulerError.queueFull(retryAfter: 1)) { try scheduler.checkRoom(key: "flood") }
        try scheduler.checkRoom(key: "calm")
        let calm = Task { try await scheduler.withSlot(model: "m", key: "calm", bytes: 0, deadline: nil) { _ in } }
        try #require(await soon { scheduler.snapshot.refused == 2 })
        await #expect(throws: SchedulerError.queueFull(retryAfter: 1)) { try await flood[2].value }
        latch.open()
        for task in running + [flood[0], flood[1], calm] { try await task.value }
        await fixture.expectIdle()
    }

    @Test func imagesWaitForMemoryAndTooLargeOnesAreRefused() async throws {
        let latch = Latch()
        let limit = fixture.memory.limits.largestImages
        await #expect(throws: SchedulerError.tooLarge(bytes: limit + 1, limit: limit)) {
            try await scheduler.withSlot(model: "m", key: nil, bytes: limit + 1, deadline: nil) { _ in }
        }
        let first = await fixture.start(key: "a", bytes: limit) { _ in await latch.wait() }
        let second = await fixture.start(key: "b", bytes: limit) { _ in }
        #expect(scheduler.snapshot.waiting == 1 && scheduler.snapshot.running == 1)
        latch.open()
        try await first.value
        try await second.value
        await fixture.expectIdle()
    }

    @Test func aBodyThatIsReleasedStartsAnImageThatWaited() async throws {
        let latch = Latch()
        #expect(fixture.memory.reserve(4 * mebibyte, of: .bodies))
        let first = await fixture.start(key: "a", bytes: 6 * mebibyte) { _ in await latch.wait() }
        let second = await fixture.start(key: "b", bytes: 8 * mebibyte) { _ in }
        #expect(scheduler.snapshot.waiting == 1)
        fixture.memory.release(4 * mebibyte, of: .bodies)
        #expect(await soon { scheduler.snapshot.completed == 1 }, "although the first one still runs")
        #expect(scheduler.snapshot.running == 1)
        latch.open()
        try await first.value
        try await second.value
        await fixture.expectIdle()
    }
}
