import TestSupport
import Testing

@testable import RuntimeSupport

@Suite struct RunQueueTests {
    private typealias Slot = RunQueue.Slot

    @Test func runsStartInTheOrderInWhichTheyCame() {
        var queue = RunQueue(threadCount: 1, wideCount: 0)
        let only = Slot(thread: 0, isWide: false)
        #expect(queue.enter() == only)
        for ticket in 1...3 {
            #expect(queue.enter() == nil)
            queue.wait(ticket)
        }
        #expect(queue.pending == 4)
        for ticket in 1...3 {
            let next = queue.leave(only)
            #expect(next?.ticket == ticket && next?.slot == only)
        }
        #expect(queue.leave(only) == nil)
        #expect(queue.pending == 0 && queue.enter() == only)
    }

    @Test func aRemovedRunDoesNotStart() {
        var queue = RunQueue(threadCount: 1, wideCount: 0)
        let slot = Slot(thread: 0, isWide: false)
        #expect(queue.enter() == slot)
        queue.wait(1)
        queue.wait(2)
        let removed = [queue.remove(1), queue.remove(1), queue.remove(7)]
        #expect(removed == [true, false, false])
        #expect(queue.leave(slot)?.ticket == 2)
    }

    @Test func fewRunsUseTheWideSessionAndManyTheOther() {
        var queue = RunQueue(threadCount: 4, wideCount: 2)
        let slots = (0..<4).compactMap { _ in queue.enter() }
        #expect(slots.map(\.isWide) == [true, true, false, false])
        #expect(Set(slots.map(\.thread)) == [0, 1, 2, 3])
        // One of two wide runs ends while three others are active: a new one would be the fourth.
        #expect(queue.leave(slots[0]) == nil)
        #expect(queue.enter()?.isWide == false)
        queue.wait(9)
        for slot in slots[1...] { _ = queue.leave(slot) }
        #expect(queue.pending == 2)
    }

    @Test func runsThatWaitCountAgainstTheWideSession() {
        var queue = RunQueue(threadCount: 2, wideCount: 2)
        let slots = (0..<2).compactMap { _ in queue.enter() }
        #expect(slots.map(\.isWide) == [true, true])
        queue.wait(1)
        queue.wait(2)
        // Two wait and one runs: the next is among three.
        #expect(queue.leave(slots[0])?.slot.isWide == false)
        // One runs and the last one starts: they are two.
        #expect(queue.leave(slots[1])?.slot.isWide == true)
    }

    /// Against a plain model: every order of entering, waiting, leaving and removing.
    @Test(arguments: 0..<200 as Range<UInt64>) func noThreadIsSharedOrLost(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let threadCount = Int.random(in: 1...5, using: &random)
        let wideCount = Int.random(in: 0...threadCount, using: &random)
        var queue = RunQueue(threadCount: threadCount, wideCount: wideCount)
        var active: [Slot] = []
        var waiting: [Int] = []
        func check(_ slot: Slot) {
            #expect(!active.contains { $0.thread == slot.thread } && (0..<threadCount).contains(slot.thread))
            let mayBeWide = active.count + 1 + waiting.count <= wideCount
            #expect(slot.isWide == (mayBeWide && active.count(where: \.isWide) < wideCount), "seed \(seed)")
            active.append(slot)
        }
        for ticket in 0..<400 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                if let slot = queue.enter() {
                    #expect(waiting.isEmpty, "nobody overtakes")
                    check(slot)
                } else {
                    #expect(active.count == threadCount)
                    queue.wait(ticket)
                    waiting.append(ticket)
                }
            case 2, 3:
                guard let index = active.indices.randomElement(using: &random) else { continue }
                let next = queue.leave(active.remove(at: index))
                #expect(next?.ticket == waiting.first)
                guard let next else { continue }
                waiting.removeFirst()
                check(next.slot)
            default:
                let gone = Bool.random(using: &random) ? waiting.randomElement(using: &random) ?? -1 : -1
                let wasWaiting = queue.remove(gone)
                #expect(wasWaiting == waiting.contains(gone))
                waiting.removeAll { $0 == gone }
            }
            #expect(queue.pending == active.count + waiting.count, "seed \(seed)")
        }
    }
}

@Suite struct FIFOQueueTests {
    @Test(arguments: 0..<50 as Range<UInt64>) func elementsLeaveInTheirOrder(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = FIFOQueue<Int>()
        var model: [Int] = []
        let share = Int.random(in: 30...70, using: &random)
        for element in 0..<2000 {
            switch Int.random(in: 0..<100, using: &random) {
            case ..<share:
                queue.append(element)
                model.append(element)
            case 99:
                let gone = model.randomElement(using: &random) ?? -1
                let wasThere = queue.removeFirst { $0 == gone }
                #expect(wasThere == (gone >= 0))
                model.removeAll { $0 == gone }
            default:
                let first = queue.popFirst()
                #expect(first == model.first, "seed \(seed)")
                if !model.isEmpty { model.removeFirst() }
            }
            #expect(queue.count == model.count)
        }
    }
}
