import Serving
import TestSupport
import Testing

/// Random sequences of operations; the argument of a test is its seed.
@Suite struct SchedulerQueueModelTests {
    @Test(arguments: 0..<320) func itDoesWhatTheNaiveSchedulerDoes(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let (slots, maxWaiting) = (1 + seed % 4, [0, 1, 5, 12][seed / 4 % 4])
        let bytes = seed % 3 == 0 ? 1_000_000 : 100
        var line = QueueUnderTest(slots: slots, maxWaiting: maxWaiting, bytes: bytes, maxBytes: 60)
        var naive = NaiveScheduler(slots: slots, maxWaiting: maxWaiting, freeBytes: bytes)
        var (bodies, over, ran) = (0, Set<Int>(), Set<Int>())
        let pressure = Int.random(in: 2...6, using: &random)
        for ticket in 0..<150 {
            var granted: [Int] = []
            let action = Int.random(in: 0..<10, using: &random)
            if action < pressure {
                let key = [nil, "a", "b", "c"][Int.random(in: 0..<4, using: &random)]
                let model = ["m", "n", "o"][Int.random(in: 0..<3, using: &random)]
                let size = Int.random(in: 0...60, using: &random)
                let entrance = line.enter(ticket, key, model, bytes: size)
                let flow = SchedulerFlow(key: key, model: model)
                let expected = naive.enter(.init(ticket: ticket, flow: flow, bytes: size))
                #expect((entrance.decision == .queueFull) == expected.isRefused)
                #expect(entrance.displaced == expected.displaced)
                if let displaced = entrance.displaced { over.insert(displaced) }
                granted = entrance.granted
                if entrance.decision == .run { #expect(ran.insert(ticket).inserted) }
                if expected.isRefused { over.insert(ticket) }
                #expect(
                    Set(naive.grant() + [ticket]) == Set(granted + [ticket])
                        && naive.running.contains { $0.ticket == ticket } == (entrance.decision == .run))
            } else if action < 8, let ticket = naive.running.randomElement(using: &random)?.ticket {
                granted = line.leave(ticket)
                naive.remove(ticket)
                over.insert(ticket)
                #expect(granted == naive.grant())
            } else if action == 8, let ticket = naive.waiting.randomElement(using: &random)?.ticket {
                let removed = line.remove(ticket)
                naive.remove(ticket)
                over.insert(ticket)
                granted = removed.granted
                #expect(removed.wasWaiting && granted == naive.grant())
            } else {
                // Bodies take and release memory of the same budget.
                let change = bodies > 0 ? -bodies : min(40, line.freeBytes)
                bodies += change
                line.freeBytes -= change
                naive.freeBytes -= change
                granted = line.grantWaiting()
                #expect(granted == naive.grant())
            }
            for other in granted { #expect(ran.insert(other).inserted && !over.contains(other), "runs once") }
            #expect(line.queue.running == naive.running.count && line.queue.running <= slots)
            #expect(line.queue.waiting == naive.waiting.count && line.queue.waiting <= maxWaiting)
            #expect(line.queue.bytes == naive.running.map(\.bytes).reduce(0, +))
            #expect(line.freeBytes == naive.freeBytes && line.freeBytes >= 0)
            #expect(line.queue.bytes + bodies + line.freeBytes == bytes)
        }
        // No request is lost, and nothing is remembered of finished ones.
        line.freeBytes += bodies
        var running = naive.running.map(\.ticket) + line.grantWaiting()
        while let ticket = running.popLast() { running += line.leave(ticket) }
        #expect(line.queue.waiting == 0 && line.queue.running == 0 && line.queue.rememberedFlows == 0)
    }

    /// Every slot is always taken and the queue always full; what runs ends after a bounded time.
    @Test(arguments: 0..<30) func everyWaitIsBounded(seed: Int) {
        var random = SeededRandom(seed: UInt64(1000 + seed))
        var line = QueueUnderTest(slots: 3, maxWaiting: 30, bytes: 100, maxBytes: 90)
        var (grants, next) = (0, 0)
        var enteredAt: [Int: Int] = [:]
        var running: [Int] = []
        func noteGrants(_ tickets: [Int]) {
            for ticket in tickets {
                grants += 1
                let waited = grants - (enteredAt.removeValue(forKey: ticket) ?? grants)
                #expect(waited <= 300, "request \(ticket) was overtaken \(waited) times")
                running.append(ticket)
            }
        }
        while next < 1500 {
            while line.queue.waiting < 30 {
                next += 1
                let key = ["a", "a", "a", "b", "c"].randomElement(using: &random)
                let model = ["m", "m", "m", "n", "o"].randomElement(using: &random) ?? ""
                enteredAt[next] = grants
                let size = seed % 2 == 0 ? 0 : [0, 10, 90].randomElement(using: &random) ?? 0
                let entrance = line.enter(next, key, model, bytes: size)
                noteGrants(entrance.decision == .run ? [next] + entrance.granted : entrance.granted)
            }
            noteGrants(line.leave(running.remove(at: Int.random(in: 0..<min(2, running.count), using: &random))))
        }
        for (ticket, entered) in enteredAt { #expect(grants - entered <= 300, "request \(ticket)") }
    }
}
