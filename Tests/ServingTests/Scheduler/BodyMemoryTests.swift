import Serving
import Synchronization
import Testing

private let mebibyte = 1 << 20

@Suite(.timeLimit(.minutes(1))) struct BodyMemoryTests {
    private let clock = StepClock()
    private let budget = MemoryBudget(limits: MemoryLimits(total: 16 * mebibyte))
    private let memory: BodyMemory

    init() {
        memory = BodyMemory(
            budget: budget, largestBody: mebibyte / 2, maxWaiting: 4, timeout: .seconds(30), clock: clock)
    }

    private func lease(_ share: MemoryShare = .bodies, _ owner: String? = "a") -> BodyLease {
        BodyLease(of: share, owner: owner, from: memory)
    }

    private func start(_ lease: BodyLease, _ bytes: Int, within limit: Duration? = nil) async -> Task<Void, any Error> {
        let before = memory.waiting(in: lease.share)
        let task = Task { try await lease.grow(to: bytes, within: limit) }
        let waits = await soon { memory.waiting(in: lease.share) == before + 1 }
        #expect(waits)
        return task
    }

    /// Moves the time in the steps in which it is looked at.
    private func pass(_ steps: Int, until isOver: () -> Bool = { false }) async {
        for _ in 0..<steps where !isOver() {
            _ = await soon { clock.sleeperCount > 0 || isOver() }
            clock.advance(by: .milliseconds(50))
        }
    }

    @Test func aBodyWaitsUntilAnotherOneIsReleased() async throws {
        let (first, second) = (lease(), lease())
        try await first.grow(to: 3 * mebibyte)
        let task = await start(second, 2 * mebibyte)
        #expect(budget.usage[.bodies] == 3 * mebibyte)
        first.release()
        try await task.value
        #expect(second.bytes == 2 * mebibyte && budget.usage[.bodies] == 2 * mebibyte)
        second.release()
        #expect(budget.usage.total == 0)
    }

    @Test func aBodyThatWaitsTooLongIsRefusedWithTheTimeThatBodiesWait() async throws {
        let (first, second) = (lease(), lease())
        try await first.grow(to: 4 * mebibyte)
        let task = await start(second, 1, within: .seconds(3))
        await pass(59)
        #expect(memory.waiting(in: .bodies) == 1)
        await pass(40) { memory.waiting(in: .bodies) == 0 }
        // It waited for three seconds, and up to a step of the clock more.
        await #expect {
            try await task.value
        } throws: {
            if case .memoryExhausted(let seconds) = $0 as? SchedulerError { (3...4).contains(seconds) } else { false }
        }
        #expect(second.bytes == 0)
    }

    @Test func aBodyWhoseClientLeavesStopsWaiting() async throws {
        let (first, second) = (lease(), lease())
        try await first.grow(to: 4 * mebibyte)
        let task = await start(second, 1)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(memory.waiting(in: .bodies) == 0)
        first.release()
        #expect(budget.usage.total == 0)
    }

    @Test func aBodyThatNeverFitsIsTooLarge() async throws {
        await #expect(throws: MemoryBudgetError.tooLarge(bytes: 4 * mebibyte + 1, limit: 4 * mebibyte)) {
            try await lease().grow(to: 4 * mebibyte + 1)
        }
    }

    @Test func aStrangersBodyIsDisplacedForASmallerOneWhileItArrives() async throws {
        let (large, small) = (lease(.strangerBodies), lease(.strangerBodies, "b"))
        let told = Mutex(0)
        large.onDisplacement { told.withLock { $0 += 1 } }
        try await large.grow(to: 896 * 1024)
        let task = await start(small, 200 * 1024)
        await pass(20) { small.bytes > 0 }
        try await task.value
        #expect(told.withLock(\.self) == 1)
        #expect(throws: SchedulerError.self) { try large.arrive() }
        try small.arrive()
        large.release()
        #expect(budget.usage[.strangerBodies] == 200 * 1024)
    }

    @Test func aBodyMovesToTheKnownCallersWhenThereIsRoomForIt() async throws {
        let (known, stranger) = (lease(), lease(.strangerBodies, "network"))
        try await known.grow(to: 4 * mebibyte)
        try await stranger.grow(to: 1000)
        try stranger.arrive()
        let task = Task { try await stranger.move(toKnown: "key") }
        #expect(await soon { memory.waiting(in: .bodies) == 1 })
        known.release()
        try await task.value
        #expect(stranger.share == .bodies && budget.usage[.strangerBodies] == 0 && budget.usage[.bodies] == 1000)
        try await stranger.move(toKnown: "key")
        stranger.release()
        #expect(budget.usage.total == 0)
    }

    @Test func aLeaseThatIsForgottenIsReleased() async throws {
        do { try await lease().grow(to: 100) }
        #expect(budget.usage.total == 0)
    }

    @Test func concurrentLeasesLeaveNothingBehind() async {
        let memory = BodyMemory(budget: budget, largestBody: mebibyte / 2, maxWaiting: 64, timeout: .seconds(5))
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<16 {
                group.addTask {
                    for step in 0..<50 {
                        let isKnown = (worker + step) % 2 == 0
                        let lease = BodyLease(
                            of: isKnown ? .bodies : .strangerBodies, owner: "\(worker % 3)", from: memory)
                        do {
                            try await lease.grow(to: 100_000 * (1 + step % 4))
                            try lease.arrive()
                            try await lease.move(toKnown: "\(worker)")
                        } catch {}
                        #expect(budget.usage.total <= budget.limits.total)
                        if step % 3 == 0 { lease.release() }
                    }
                }
            }
        }
        #expect(budget.usage.total == 0 && memory.waiting(in: .bodies) + memory.waiting(in: .strangerBodies) == 0)
    }
}
