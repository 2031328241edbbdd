import InstanceSegmentation
import Synchronization
import TestSupport
import Testing

@testable import Serving

/// Counts what runs at the same time.
private final class Tally: Sendable {
    private let counts = Mutex((running: 0, most: 0))

    /// The number that run.
    var running: Int { counts.withLock(\.running) }
    /// The largest number that ran at once.
    var most: Int { counts.withLock(\.most) }

    func begin() {
        counts.withLock { counts in
            counts.running += 1
            counts.most = max(counts.most, counts.running)
        }
    }

    func end() { counts.withLock { $0.running -= 1 } }
}

@Suite(.timeLimit(.minutes(1))) struct InferenceGateTests {
    @Test func exactlyAsManyRunAsMay() async throws {
        let gate = InferenceGate(limit: 3)
        let tally = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<500 {
                group.addTask {
                    _ = try await gate.run {
                        tally.begin()
                        await Task.yield()
                        tally.end()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(tally.most == 3)
    }

    @Test func aCallerThatIsCanceledStopsWaitingAndTheNextOneRuns() async throws {
        let (gate, latch) = (InferenceGate(limit: 1), Latch())
        let tally = Tally()
        let first = Task {
            try await gate.run {
                tally.begin()
                await latch.wait()
            }
        }
        let hasBegun = await soon { tally.running == 1 }
        #expect(hasBegun)
        let second = Task { try await gate.run {} }
        let third = Task { try await gate.run { 3 }.result }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        latch.open()
        _ = try await first.value
        #expect(try await third.value == 3)
        #expect(try await gate.run { 4 }.result == 4)
    }

    @Test func aFailedRunLeavesTheGate() async {
        struct Failure: Error {}
        let gate = InferenceGate(limit: 1)
        for _ in 0..<3 { await #expect(throws: Failure.self) { try await gate.run { throw Failure() } } }
    }

    @Test func modelsShareTheGate() async throws {
        let tally = Tally()
        let gate = InferenceGate(limit: 2)
        let models = (0..<3).map { _ in
            let session = StubSession { inputs in
                tally.begin()
                try await Task.sleep(for: .milliseconds(2))
                tally.end()
                return inputs
            }
            return GatedModel(wrapped: StubModel(session: session, maxConcurrency: 2), gate: gate)
        }
        try await withThrowingTaskGroup(of: Duration.self) { group in
            for i in 0..<60 { group.addTask { try await models[i % 3].infer([:]).queueDuration } }
            var waited = Duration.zero
            for try await time in group { waited += time }
            #expect(waited > .zero, "waiting at the gate counts as time in the queue")
        }
        #expect(tally.most == 2)
    }
}
