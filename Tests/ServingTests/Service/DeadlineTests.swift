import Testing

@testable import Serving

@Suite(.timeLimit(.minutes(1))) struct DeadlineTests {
    @Test func theCallerIsAnsweredAtTheDeadlineThoughTheWorkGoesOn() async throws {
        let latch = Latch()
        let start = ContinuousClock.now
        await #expect(throws: ServiceError.self) {
            try await withDeadline(.milliseconds(50)) { await latch.wait() }
        }
        #expect(ContinuousClock.now - start < .seconds(20))
        latch.open()
    }

    @Test func theWorkIsCanceledAtTheDeadline() async throws {
        let latch = Latch()
        await #expect(throws: ServiceError.self) {
            try await withDeadline(.milliseconds(50)) {
                while !Task.isCancelled { await Task.yield() }
                latch.open()
            }
        }
        await latch.wait()
    }

    @Test func aCallerThatIsCanceledDoesNotWait() async throws {
        let (latch, begun) = (Latch(), Latch())
        let task = Task {
            try await withDeadline(.seconds(60)) {
                begun.open()
                await latch.wait()
            }
        }
        await begun.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        latch.open()
    }

    @Test func whatTheWorkReturnsOrThrowsIsTheOutcome() async throws {
        struct Failure: Error {}
        #expect(try await withDeadline(.seconds(60)) { 7 } == 7)
        await #expect(throws: Failure.self) { try await withDeadline(.seconds(60)) { throw Failure() } }
    }
}
