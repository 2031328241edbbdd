import Serving
import Synchronization
import TestSupport
import Testing

/// Ends of waiting that meet: each request has exactly one outcome, and every slot and byte comes back.
@Suite(.timeLimit(.minutes(1))) struct SchedulerRaceTests {
    private enum Outcome: CaseIterable {
        case completed, failed, cancelled, refused, timedOut
    }

    private struct Failure: Error {}

    /// Counts how many are inside at once.
    private final class Occupancy: Sendable {
        private let state = Mutex((now: 0, most: 0))
        var now: Int { state.withLock(\.now) }
        var most: Int { state.withLock(\.most) }
        func enter() { state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
        func leave() { state.withLock { $0.now -= 1 } }
    }

    private let memory = MemoryBudget(limits: MemoryLimits(total: 1 << 20))

    private func outcome(_ work: () async throws -> Void) async -> Outcome? {
        do {
            try await work()
            return .completed
        } catch is CancellationError {
            return .cancelled
        } catch is Failure {
            return .failed
        } catch SchedulerError.deadlineExceeded {
            return .timedOut
        } catch SchedulerError.queueFull {
            return .refused
        } catch {
            return nil
        }
    }

    private func expectIdle(_ scheduler: Scheduler) {
        let now = scheduler.snapshot
        #expect(now.running == 0 && now.waiting == 0 && now.bytes == 0 && memory.usage.total == 0)
    }

    /// The holder of the slot leaves, the waiting request is canceled, and its time is over, all at once.
    @Test func grantCancellationAndDeadlineMayMeet() async throws {
        let limits = SchedulerLimits(concurrency: 1, maxQueue: 8)
        var counts: [Outcome: Int] = [:]
        for round in 0..<1500 {
            let clock = StepClock()
            let scheduler = Scheduler(limits: limits, memory: memory, clock: clock)
            let latch = Latch()
            let runs = Mutex(0)
            let holders = (0..<2).map { _ in
                Task {
                    try await scheduler.withSlot(model: "m", key: nil, bytes: 10, deadline: nil) { _ in
                        await latch.wait()
                    }
                }
            }
            #expect(await soon { scheduler.snapshot.running == 2 })
            let waiting = Task {
                await outcome {
                    try await scheduler.withSlot(model: "m", key: "k", bytes: 20, deadline: .seconds(1)) { _ in
                        runs.withLock { $0 += 1 }
                    }
                }
            }
            if round % 8 != 0 { #expect(await soon { scheduler.snapshot.waiting == 1 }) }
            await withTaskGroup(of: Void.self) { group in
                if round % 2 == 0 { group.addTask { waiting.cancel() } }
                group.addTask { latch.open() }
                group.addTask { clock.advance(by: .seconds(1)) }
            }
            let end = try #require(await waiting.value)
            counts[end, default: 0] += 1
            for holder in holders { try await holder.value }
            #expect(runs.withLock(\.self) == (end == .completed ? 1 : 0) || end == .cancelled)
            expectIdle(scheduler)
            #expect(clock.sleeperCount == 0)
            let now = scheduler.snapshot
            #expect(now.completed + now.cancelled + now.timedOut == 3 && now.refused == 0)
        }
        #expect(counts.values.reduce(0, +) == 1500 && counts.count >= 2, "\(counts)")
    }

    /// Ten thousand requests that end in every way, with real timers.
    @Test func nothingIsLeftOfTenThousandRequests() async throws {
        let limits = SchedulerLimits(concurrency: 2, maxQueue: 40, queueTimeout: .milliseconds(4))
        let scheduler = Scheduler(limits: limits, memory: memory)
        let inside = Occupancy()
        let counts = await withTaskGroup(of: [Outcome: Int].self) { group in
            for worker in 0..<100 {
                group.addTask {
                    var random = SeededRandom(seed: UInt64(worker))
                    var counts: [Outcome: Int] = [:]
                    for _ in 0..<100 {
                        let (kind, bytes) = (random.next() % 8, Int(random.next() % 500_000))
                        let deadline = kind < 4 ? nil : Duration.microseconds(Int64(random.next() % 3000))
                        let task = Task {
                            await outcome {
                                try await scheduler.withSlot(
                                    model: "m\(kind % 3)", key: "k\(worker % 7)", bytes: bytes, deadline: deadline
                                ) { _ in
                                    inside.enter()
                                    defer { inside.leave() }
                                    for _ in 0..<kind { await Task.yield() }
                                    if kind == 1 { throw Failure() }
                                }
                            }
                        }
                        if kind == 2 || kind == 5 {
                            for _ in 0..<(random.next() % 4) { await Task.yield() }
                            task.cancel()
                        }
                        if let outcome = await task.value { counts[outcome, default: 0] += 1 }
                    }
                    return counts
                }
            }
            return await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        }
        #expect(counts.values.reduce(0, +) == 10_000 && counts.count == Outcome.allCases.count, "\(counts)")
        #expect(inside.most <= limits.slots && inside.now == 0)
        expectIdle(scheduler)
        let now = scheduler.snapshot
        #expect(now.failed == counts[.failed] && now.timedOut == counts[.timedOut] && now.refused == counts[.refused])
        // A request may be canceled after its work is done.
        #expect(now.completed + now.cancelled == (counts[.completed] ?? 0) + (counts[.cancelled] ?? 0))
    }

    /// Bodies come and go beside images that wait for the same memory.
    @Test func imagesAndBodiesShareMemoryWithoutAStall() async throws {
        let limits = SchedulerLimits(concurrency: 3, maxQueue: 1000, queueTimeout: .seconds(50))
        let scheduler = Scheduler(limits: limits, memory: memory)
        let completed = await withTaskGroup(of: Bool.self) { group in
            for i in 0..<600 {
                group.addTask {
                    let size = 20_000 + i * 100
                    let body = memory.reserve(size, of: .bodies) ? size : 0
                    let bytes = i % 3 == 0 ? memory.limits.largestImages : 100_000
                    let result = await outcome {
                        try await scheduler.withSlot(model: "m", key: "k\(i % 5)", bytes: bytes, deadline: nil) { _ in
                            memory.release(body, of: .bodies)
                            await Task.yield()
                        }
                    }
                    return result == .completed
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(completed == 600)
        expectIdle(scheduler)
    }
}
