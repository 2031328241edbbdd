import Serving
import Synchronization
import Testing

private let mebibyte = 1 << 20

@Suite struct AnswerMemoryTests {
    private let clock = StepClock()
    private let budget = MemoryBudget(limits: MemoryLimits(total: 16 * mebibyte))
    private let memory: AnswerMemory
    private let closed = ClosedAnswers()

    /// The names of the answers whose connections were closed.
    private final class ClosedAnswers: Sendable {
        let names = Mutex<[String]>([])
    }

    init() {
        memory = AnswerMemory(budget: budget, clock: clock)
    }

    private func hold(_ name: String, _ bytes: Int, _ owner: String) -> AnswerLease {
        memory.hold(bytes, owner: owner) { [closed] in closed.names.withLock { $0.append(name) } }
    }

    @Test func unreadAnswersLeaveNoRoomForFurtherOnes() throws {
        try memory.requireRoom()
        let first = hold("first", mebibyte / 2, "a")
        try memory.requireRoom()
        let second = hold("second", mebibyte, "a")
        #expect(budget.usage[.answers] == mebibyte * 3 / 2, "what has been made is counted in any case")
        #expect(throws: SchedulerError.memoryExhausted(retryAfter: 2)) { try memory.requireRoom() }
        clock.skip(.milliseconds(1500))
        #expect(throws: SchedulerError.memoryExhausted(retryAfter: 1)) { try memory.requireRoom() }
        second.release()
        second.release()
        try memory.requireRoom()
        first.release()
        #expect(budget.usage.total == 0 && closed.names.withLock(\.isEmpty))
    }

    @Test func theOldestAnswersOfTheCallerWithTheMostAreGivenUp() throws {
        let calm = hold("calm", mebibyte / 4, "calm")
        clock.skip(.seconds(1))
        let old = hold("old", mebibyte / 2, "flood")
        clock.skip(.seconds(1))
        let new = hold("new", mebibyte / 2, "flood")
        clock.skip(.seconds(1))
        try memory.requireRoom()
        #expect(closed.names.withLock(\.self) == ["old"])
        #expect(budget.usage[.answers] == mebibyte * 3 / 4)
        withExtendedLifetime((calm, old, new)) {}
    }

    @Test func anAnswerThatIsForgottenIsReleased() {
        do { _ = hold("x", 1000, "a") }
        #expect(budget.usage.total == 0)
    }
}
