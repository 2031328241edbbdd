import Foundation
import Imaging
import InstanceSegmentation
import RuntimeSupport
import Synchronization
import TestSupport
import Testing

@testable import Serving

private let mebibyte = 1 << 20

/// Images that are fetched, and the memory that they share with bodies.
@Suite(.timeLimit(.minutes(1))) struct FetchedImageTests {
    /// Takes memory for an image, and then fetches for as long as nothing ends it.
    private final class EndlessFetcher: ImageFetching {
        private let size: Int
        private let state = Mutex((began: 0, ended: 0))

        /// - Parameter size: the memory of each image, in bytes.
        init(size: Int) { self.size = size }

        /// Fetches that have their memory.
        var began: Int { state.withLock(\.began) }
        /// Fetches that were ended.
        var ended: Int { state.withLock(\.ended) }

        func fetch(
            _ address: String, for owner: String?, reserve: @escaping @Sendable (Int) async throws -> Void
        ) async throws -> any ContiguousBytes & Sendable {
            try await reserve(size)
            state.withLock { $0.began += 1 }
            defer { state.withLock { $0.ended += 1 } }
            try await Task.sleep(for: .seconds(3600))
            return [UInt8]()
        }
    }

    private static let limits = ServiceLimits(concurrency: 2)
    private let query = PredictionQuery(
        modelID: ModelFolder.id("a"), images: [.url("http://example.com/a.png")])

    private func service(_ fetcher: any ImageFetching, _ memory: BodyMemory) async throws -> LocalPredictionService {
        let folder = try ModelFolder(["a": "1"])
        let model = try await ServedModel(
            loading: ModelLocation(id: ModelFolder.id("a"), file: folder.file("a")), backend: MarkedBackend(),
            usesSquareInput: false, decodesInFull: false)
        return LocalPredictionService(
            models: model, scheduler: Scheduler(limits: SchedulerLimits(concurrency: 2), memory: memory.budget),
            bodies: memory, access: .open, fetcher: fetcher, limits: Self.limits, workers: WorkerPool())
    }

    @Test func aFetchEndsWhenItsMemoryIsGivenToABody() async throws {
        let clock = StepClock()
        let budget = MemoryBudget(limits: MemoryLimits(total: 16 * mebibyte))
        let memory = BodyMemory(
            budget: budget, largestBody: mebibyte / 2, maxWaiting: 4, timeout: .seconds(60), clock: clock)
        let fetcher = EndlessFetcher(size: 3 * mebibyte)
        let service = try await service(fetcher, memory)
        let answer = Task { try await service.predict(query, grant: .unlimited) }
        #expect(await soon { fetcher.began == 1 })
        let other = BodyLease(of: .bodies, owner: "other", from: memory)
        let growth = Task { try await other.grow(to: 2 * mebibyte) }
        #expect(await soon { memory.waiting(in: .bodies) == 1 })
        // A body of another key may take the memory after ten seconds.
        for _ in 0..<250 where memory.waiting(in: .bodies) > 0 {
            _ = await soon { clock.sleeperCount > 0 || memory.waiting(in: .bodies) == 0 }
            clock.advance(by: .milliseconds(50))
        }
        try await growth.value
        let hasEnded = await soon { fetcher.ended == 1 }
        #expect(hasEnded)
        if !hasEnded { answer.cancel() }
        await #expect {
            try await answer.value
        } throws: {
            if case .memoryExhausted = $0 as? ServiceError { true } else { false }
        }
        other.release()
        #expect(await soon { budget.usage.total == 0 })
    }

    @Test(arguments: [false, true]) func anImageThatWaitsForMemoryUntilItsDeadlineIsLate(isLate: Bool) async throws {
        let budget = MemoryBudget(limits: MemoryLimits(total: 16 * mebibyte))
        let memory = BodyMemory(
            budget: budget, largestBody: mebibyte / 2, maxWaiting: 4,
            timeout: isLate ? .seconds(3600) : .milliseconds(10))
        let held = BodyLease(of: .bodies, owner: "other", from: memory)
        try await held.grow(to: 4 * mebibyte)
        let lease = BodyLease(of: .bodies, owner: "a", from: memory)
        await #expect {
            _ = try await EndlessFetcher(size: mebibyte).fetch(
                "http://example.com/a.png", for: "a", into: lease,
                until: .now + (isLate ? .milliseconds(100) : .seconds(3600)))
        } throws: {
            switch $0 as? ServiceError {
            case .deadlineExceeded: isLate
            case .memoryExhausted: !isLate
            default: false
            }
        }
        held.release()
    }

    /// Parsing a body is part of the time of its request.
    @Test func theTimeOfARequestCountsFromTheEndOfItsBody() async throws {
        let budget = MemoryBudget(limits: MemoryLimits(total: 16 * mebibyte))
        let memory = BodyMemory(
            budget: budget, largestBody: mebibyte / 2, maxWaiting: 4, timeout: .seconds(60))
        let fetcher = EndlessFetcher(size: mebibyte)
        let service = try await service(fetcher, memory)
        let lease = BodyLease(of: .bodies, owner: "a", from: memory)
        try await lease.grow(to: 100)
        #expect(lease.arrival == nil)
        try lease.arrive()
        let arrival = try #require(lease.arrival)
        #expect(await soon { ContinuousClock.now - arrival > .milliseconds(30) })
        var query = query
        (query.body, query.timeout) = (lease, .milliseconds(20))
        await #expect {
            try await service.predict(query, grant: .unlimited)
        } throws: {
            if case .deadlineExceeded = $0 as? ServiceError { true } else { false }
        }
        #expect(fetcher.began == 0 && lease.arrival == arrival)
    }

    @Test func aFetchEndsWithItsRequest() async throws {
        let budget = MemoryBudget(limits: MemoryLimits(total: 16 * mebibyte))
        let memory = BodyMemory(budget: budget, largestBody: mebibyte / 2, maxWaiting: 4, timeout: .seconds(60))
        let fetcher = EndlessFetcher(size: mebibyte)
        let service = try await service(fetcher, memory)
        let answer = Task { try await service.predict(query, grant: .unlimited) }
        #expect(await soon { fetcher.began == 1 })
        answer.cancel()
        await #expect {
            try await answer.value
        } throws: {
            if case .cancelled = $0 as? ServiceError { true } else { false }
        }
        #expect(await soon { fetcher.ended == 1 && budget.usage.total == 0 })
    }
}
