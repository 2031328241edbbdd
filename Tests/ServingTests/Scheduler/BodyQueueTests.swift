import TestSupport
import Testing

@testable import Serving

/// A queue of bodies, a budget that only it uses, and a time that a test sets.
final class BodyQueueUnderTest {
    /// The memory that the queue has reserved.
    final class Budget {
        let limit: Int
        var used = 0
        init(limit: Int) { self.limit = limit }
    }

    var queue: BodyQueue<Int>
    let budget: Budget
    var now = Duration.zero

    init(_ rules: BodyRules, limit: Int) {
        queue = BodyQueue(rules: rules)
        budget = Budget(limit: limit)
    }

    var memory: BodyQueue<Int>.Memory {
        BodyQueue.Memory(
            reserve: { [budget] bytes in
                guard bytes <= budget.limit - budget.used else { return false }
                budget.used += bytes
                return true
            },
            release: { [budget] bytes in budget.used -= bytes })
    }

    func ask(
        _ ticket: Int, _ bytes: Int, by owner: String? = "a", within limit: Duration = .seconds(30)
    ) -> (decision: BodyQueue<Int>.Decision, changes: BodyQueue<Int>.Changes) {
        queue.ask(ticket, owner: owner, bytes: bytes, now: now, deadline: now + limit, memory)
    }

    func arrive(_ ticket: Int) -> Bool { queue.arrive(ticket) }

    func leave(_ ticket: Int) -> BodyQueue<Int>.Changes { queue.leave(ticket, now: now, memory) }

    func pass(_ time: Duration) -> BodyQueue<Int>.Changes {
        now += time
        return queue.advance(to: now, memory)
    }
}

@Suite struct BodyQueueTests {
    private static let limit = 1000
    private let known = BodyQueueUnderTest(.known(limit: limit, maxWaiting: 3), limit: limit)
    private let strangers = BodyQueueUnderTest(
        .strangers(limit: limit, largestBody: 500, maxWaiting: 3), limit: limit)

    // MARK: Callers with a key

    @Test func aBodyThatGrowsIsToldThatItIsTheOneThatOthersWaitFor() {
        #expect(known.ask(1, 300).decision == .granted)
        #expect(known.ask(2, 700).decision == .granted)
        #expect(known.arrive(2))
        #expect(known.ask(3, 300).decision == .wait)
        #expect(known.pass(.seconds(11)) == BodyQueue.Changes())
        let (decision, changes) = known.ask(1, 100)
        #expect(decision == .displaced && changes.granted == [3] && changes.displaced.isEmpty)
        #expect(!known.queue.contains(1) && known.queue.waitingCount == 0)
    }

    @Test func aBodyThatDoesNotFitWaitsForOneThatLeaves() {
        #expect(known.ask(1, 800).decision == .granted)
        #expect(known.ask(2, 300).decision == .wait)
        #expect(known.ask(3, 200).decision == .granted, "a smaller one may pass")
        #expect(known.leave(3).granted.isEmpty)
        #expect(known.leave(1).granted == [2])
        #expect(known.leave(2) == .init() && known.budget.used == 0 && known.queue.count == 0)
    }

    @Test func bodiesOfOneKeyAreServedInOrder() {
        #expect(known.ask(1, 1000).decision == .granted)
        for ticket in 2...4 { #expect(known.ask(ticket, 500).decision == .wait) }
        #expect(known.leave(1).granted == [2, 3])
        #expect(known.leave(3).granted == [4])
    }

    @Test func theKeyThatHoldsLessIsNext() {
        #expect(known.ask(1, 900, by: "a").decision == .granted)
        #expect(known.ask(2, 90, by: "a").decision == .granted)
        #expect(known.ask(3, 200, by: "a").decision == .wait)
        #expect(known.ask(4, 200, by: "b").decision == .wait)
        #expect(known.leave(2).granted.isEmpty)
        known.queue.cancel(3)
        #expect(known.ask(3, 100, by: "a").decision == .granted)
        #expect(known.ask(5, 150, by: "a").decision == .wait)
        #expect(known.leave(3).granted.isEmpty)
        #expect(known.leave(1).granted == [4, 5])
    }

    @Test func aBodyIsNotOvertakenWithoutLimit() {
        #expect(known.ask(1, 500).decision == .granted && known.ask(2, 501).decision == .wait)
        for i in 0..<BodyQueue<Int>.maxPasses {
            #expect(known.ask(10 + i, 10).decision == .granted)
            #expect(known.leave(10 + i).granted.isEmpty)
        }
        #expect(known.ask(50, 10).decision == .wait, "now the large one is next")
        #expect(known.leave(1).granted == [2, 50])
    }

    @Test func waitingEndsAtTheDeadline() {
        #expect(known.ask(1, 1000).decision == .granted)
        #expect(known.ask(2, 1, within: .seconds(5)).decision == .wait)
        #expect(known.pass(.milliseconds(4999)) == .init())
        #expect(known.pass(.milliseconds(1)).expired == [2])
        #expect(known.queue.count == 1 && known.queue.waitingCount == 0)
    }

    @Test func tooManyAreRefusedExceptThoseOfAnotherKey() {
        #expect(known.ask(1, 1000).decision == .granted)
        for ticket in 2...4 { #expect(known.ask(ticket, 1).decision == .wait) }
        #expect(known.ask(5, 1).decision == .refused && known.queue.count == 4)
        let other = known.ask(6, 1, by: "b")
        #expect(other.decision == .wait && other.changes.displaced == [4])
    }

    @Test func aKeyKeepsItsMemoryForTenSecondsAgainstAnother() {
        #expect(known.ask(1, 700, by: "a").decision == .granted && known.ask(2, 300, by: "a").decision == .granted)
        #expect(known.ask(3, 300, by: "a").decision == .wait && known.ask(4, 100, by: "b").decision == .wait)
        #expect(known.pass(.milliseconds(9999)) == .init())
        let changes = known.pass(.milliseconds(1))
        #expect(changes.displaced == [1] && changes.granted == [4, 3])
    }

    @Test func bodiesThatHaveArrivedAreNotDisplaced() {
        #expect(known.ask(1, 1000, by: "a").decision == .granted)
        #expect(known.arrive(1))
        #expect(known.ask(2, 100, by: "b").decision == .wait)
        #expect(known.pass(.seconds(20)) == .init())
        #expect(known.leave(1).granted == [2])
        #expect(!known.arrive(1), "it has left")
    }

    @Test func bodiesThatAllWaitToGrowDoNotWaitForEver() {
        #expect(known.ask(1, 500).decision == .granted && known.ask(2, 500).decision == .granted)
        #expect(known.ask(1, 100).decision == .wait && known.ask(2, 100).decision == .wait)
        let changes = known.pass(.seconds(10))
        #expect(changes.displaced.count == 1 && changes.granted.count == 1)
    }

    // MARK: Strangers

    @Test func smallBodiesHaveRoomBesideLargeOnes() {
        #expect(strangers.ask(1, 500).decision == .granted && strangers.ask(2, 375).decision == .granted)
        #expect(strangers.ask(3, 100).decision == .wait, "large ones may hold 875 together")
        #expect(strangers.ask(4, 15).decision == .granted)
        #expect(strangers.leave(2).granted == [3])
    }

    @Test func aSmallerBodyDisplacesALargerOneSoon() {
        #expect(strangers.ask(1, 500).decision == .granted && strangers.ask(2, 375).decision == .granted)
        #expect(strangers.ask(3, 200).decision == .wait)
        #expect(strangers.pass(.milliseconds(399)) == .init())
        let changes = strangers.pass(.milliseconds(2))
        #expect(changes.displaced == [1] && changes.granted == [3], "200 of 500 bytes: after 0.4 of a second")
    }

    @Test func bodiesOfOneSizeHaveASecond() {
        #expect(strangers.ask(1, 437).decision == .granted && strangers.ask(2, 437).decision == .granted)
        #expect(strangers.ask(3, 437).decision == .wait)
        #expect(strangers.pass(.milliseconds(999)) == .init())
        #expect(strangers.pass(.milliseconds(1)).granted == [3])
    }

    @Test func theNetworkThatHoldsMostMakesWay() {
        #expect(strangers.ask(1, 100, by: "honest").decision == .granted)
        strangers.now += .seconds(5)
        #expect(
            strangers.ask(2, 400, by: "flood").decision == .granted
                && strangers.ask(3, 375, by: "flood").decision == .granted)
        #expect(strangers.ask(4, 100, by: "other").decision == .wait)
        #expect(strangers.pass(.milliseconds(250)).displaced == [2])
        #expect(strangers.queue.contains(1))
    }

    @Test func theSmallestWaitingBodyIsFirstAndTheLargestGivesUpItsPlace() {
        #expect(strangers.ask(1, 500).decision == .granted && strangers.ask(2, 375).decision == .granted)
        #expect(strangers.ask(3, 500).decision == .wait)
        #expect(strangers.ask(4, 300).decision == .wait && strangers.ask(5, 100).decision == .wait)
        #expect(strangers.ask(6, 500).decision == .refused)
        let small = strangers.ask(7, 50)
        #expect(small.decision == .wait && small.changes.displaced == [3])
        #expect(strangers.leave(1).granted == [7, 5, 4])
    }

    // MARK: Any order of events

    /// Whatever happens, memory is never over the limit, is all released in the end, and no body waits while it would fit alone.
    @Test(arguments: 0..<60) func nothingIsLostInAnyOrderOfEvents(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let rules: BodyRules =
            seed % 2 == 0
            ? .known(limit: 1000, maxWaiting: 8) : .strangers(limit: 1000, largestBody: 500, maxWaiting: 8)
        let test = BodyQueueUnderTest(rules, limit: 1000)
        var (waiting, holding): (Set<Int>, Set<Int>) = ([], [])
        func apply(_ changes: BodyQueue<Int>.Changes) {
            for ticket in changes.granted {
                #expect(waiting.remove(ticket) != nil, "seed \(seed)")
                holding.insert(ticket)
            }
            for ticket in changes.expired { #expect(waiting.remove(ticket) != nil, "seed \(seed)") }
            for ticket in changes.displaced {
                let (waited, held) = (waiting.remove(ticket) != nil, holding.remove(ticket) != nil)
                #expect(waited || held, "seed \(seed)")
            }
        }
        for ticket in 0..<400 {
            test.now += .milliseconds(Int.random(in: 0..<400, using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let owner = ["a", "b", nil].randomElement(using: &random) ?? nil
                let answer = test.ask(
                    ticket, Int.random(in: 1...500, using: &random), by: owner,
                    within: .milliseconds(Int.random(in: 1...5000, using: &random)))
                if answer.decision == .granted { holding.insert(ticket) }
                if answer.decision == .wait { waiting.insert(ticket) }
                apply(answer.changes)
            case 5, 6:
                if let ticket = holding.subtracting(waiting).sorted().randomElement(using: &random) {
                    holding.remove(ticket)
                    apply(test.leave(ticket))
                }
            case 7:
                if let ticket = holding.sorted().randomElement(using: &random) {
                    #expect(test.arrive(ticket), "seed \(seed)")
                }
            case 8:
                if let ticket = waiting.sorted().randomElement(using: &random) {
                    waiting.remove(ticket)
                    test.queue.cancel(ticket)
                }
            default: apply(test.pass(.milliseconds(200)))
            }
            #expect(test.budget.used >= 0 && test.budget.used <= 1000, "seed \(seed)")
            #expect(test.queue.waitingCount == waiting.count && test.queue.count == waiting.union(holding).count)
            #expect(test.queue.heldByOwner.values.reduce(0, +) == test.budget.used, "seed \(seed)")
            #expect(waiting.isEmpty || !holding.isEmpty, "seed \(seed): a body waits for no other")
        }
        for ticket in holding { apply(test.leave(ticket)) }
        apply(test.pass(.seconds(60)))
        for ticket in holding { apply(test.leave(ticket)) }
        #expect(test.budget.used == 0 && test.queue.count == 0 && test.queue.largeBytes == 0, "seed \(seed)")
    }
}
