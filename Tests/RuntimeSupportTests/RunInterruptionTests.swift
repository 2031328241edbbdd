import InstanceSegmentation
import RuntimeSupport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct RunInterruptionTests {
    @Test func aRequestReachesARunThatHasBegunAndOneThatBeginsLater() {
        let (early, late) = (RunInterruption(), RunInterruption())
        let calls = Mutex(0)
        early.request()
        early.during({}, orEndBy: { calls.withLock { $0 += 1 } })
        #expect(calls.withLock(\.self) == 1 && early.isRequested)
        late.during({ late.request() }, orEndBy: { calls.withLock { $0 += 1 } })
        #expect(calls.withLock(\.self) == 2)
        late.request()
        #expect(calls.withLock(\.self) == 2, "the run is over")
    }

    @Test func aRunOfATaskThatIsCanceledIsAskedToEnd() async throws {
        let hasBegun = Mutex(false)
        let description = ModelDescription(inputs: [], outputs: [], metadata: [:])
        let pool = SessionPool(model: description, maxConcurrency: 1) { inputs in
            let hasEnded = Mutex(false)
            return try RunInterruption.current?.during(
                {
                    hasBegun.withLock { $0 = true }
                    while !hasEnded.withLock(\.self) {}
                    throw CancellationError()
                }, orEndBy: { hasEnded.withLock { $0 = true } }) ?? inputs
        }
        let task = Task { try await pool.infer([:]) }
        while !hasBegun.withLock(\.self) { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
