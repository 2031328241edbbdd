import Serving
import Testing

/// A scheduler with two slots, 16 MiB of memory, and a clock that stands still.
struct SchedulerFixture {
    let clock = StepClock()
    let memory = MemoryBudget(limits: MemoryLimits(total: 16 << 20))
    let scheduler: Scheduler

    init(maxQueue: Int = 64) {
        let limits = SchedulerLimits(concurrency: 1, maxQueue: maxQueue)
        scheduler = Scheduler(limits: limits, memory: memory, clock: clock)
    }

    /// Starts a request and waits until it holds a slot, or waits for one.
    func start(
        key: String? = nil, model: String = "m", bytes: Int = 0, deadline: Duration? = nil,
        _ body: @escaping @Sendable (Duration) async throws -> Void
    ) async -> Task<Void, any Error> {
        func arrivals() -> Int {
            let now = scheduler.snapshot
            return now.waiting + now.running + now.completed + now.failed + now.refused
        }
        let before = arrivals()
        let task = Task {
            try await scheduler.withSlot(model: model, key: key, bytes: bytes, deadline: deadline) {
                try await body($0)
            }
        }
        let arrived = await soon { arrivals() > before }
        #expect(arrived)
        return task
    }

    /// Takes both slots until the latch opens.
    func fill(until latch: Latch, bytes: Int = 0) async -> [Task<Void, any Error>] {
        let first = await start(key: "first", bytes: bytes) { _ in await latch.wait() }
        return [first, await start(key: "second", bytes: bytes) { _ in await latch.wait() }]
    }

    /// Expects that nothing runs, waits, or is reserved.
    func expectIdle() async {
        let idle = await soon { scheduler.snapshot.running == 0 && scheduler.snapshot.waiting == 0 }
        #expect(idle && scheduler.snapshot.bytes == 0 && memory.usage.total == 0 && clock.sleeperCount == 0)
    }
}
