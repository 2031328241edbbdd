import Serving
import Testing

@Suite struct SchedulerQueueTests {
    @Test func requestsOfAFlowRunInOrderOfArrival() {
        var line = QueueUnderTest(slots: 1, maxWaiting: 2)
        #expect(line.enter(1).decision == .run)
        #expect(line.enter(2).decision == .wait)
        #expect(line.enter(3).decision == .wait)
        #expect(line.enter(4).decision == .queueFull)
        #expect(line.leave(1) == [2])
        #expect(line.enter(5).decision == .wait)
        #expect(line.leave(2) == [3])
        #expect(line.leave(3) == [5])
        #expect(line.leave(5) == [])
        #expect(line.queue.running == 0 && line.queue.waiting == 0 && line.queue.hasFreeSlot)
    }

    @Test func removedRequestsDoNotRunAndRunningOnesStay() {
        var line = QueueUnderTest(slots: 1, maxWaiting: 9)
        for ticket in 1...3 { _ = line.enter(ticket) }
        let removed = [line.remove(2), line.remove(2), line.remove(1)].map(\.wasWaiting)
        #expect(removed == [true, false, false])
        #expect(line.leave(1) == [3])
        #expect(line.leave(1) == [], "leaving twice has no effect")
        #expect(line.queue.running == 1)
    }

    @Test func withoutAQueueTheNextRequestIsRefused() {
        var line = QueueUnderTest(slots: 1, maxWaiting: 0)
        #expect(line.enter(1).decision == .run)
        #expect(line.queue.isFull)
        #expect(line.enter(2).decision == .queueFull)
        _ = line.leave(1)
        #expect(!line.queue.isFull)
        #expect(line.enter(3).decision == .run)
    }

    @Test func grantsAlternateBetweenKeysHoweverManyRequestsEachHas() {
        var line = QueueUnderTest(slots: 1, maxWaiting: 100)
        _ = line.enter(0, "busy")
        for ticket in 1...20 { _ = line.enter(ticket, "busy") }
        for ticket in 101...105 { _ = line.enter(ticket, "other") }
        var (running, order) = (0, [String]())
        for _ in 0..<10 {
            running = line.leave(running)[0]
            order.append(line.flows[running]?.key ?? "")
        }
        #expect(order == Array(repeating: ["busy", "other"], count: 5).flatMap(\.self))
    }

    @Test func grantsAlternateBetweenModelsOfAKey() {
        var line = QueueUnderTest(slots: 1, maxWaiting: 100)
        _ = line.enter(0, "k", "a")
        for ticket in 1...9 { _ = line.enter(ticket, "k", "a") }
        for ticket in 11...14 { _ = line.enter(ticket, "k", "b") }
        var (running, order) = (0, "")
        for _ in 0..<8 {
            running = line.leave(running)[0]
            order += line.flows[running]?.model ?? ""
        }
        #expect(order == "abababab")
    }

    @Test func theKeyWithFewerRunningRequestsIsNextEvenIfItWasGrantedLast() {
        var line = QueueUnderTest(slots: 3, maxWaiting: 100)
        for ticket in 0..<2 { _ = line.enter(ticket, "a") }
        _ = line.enter(2, "b")
        for ticket in 3..<6 { _ = line.enter(ticket, "a") }
        _ = line.enter(6, "b")
        #expect(line.leave(0) == [3], "one each: the key that was granted less recently")
        #expect(line.leave(2) == [6], "two against none")
    }

    /// Another key keeps a slot busy with a model, so that the model never has the fewest running requests.
    @Test func aModelThatAnotherKeyUsesIsNotStarved() {
        var line = QueueUnderTest(slots: 2, maxWaiting: 100)
        _ = line.enter(0, "other", "a")
        _ = line.enter(1, "k", "b")
        for ticket in 10..<60 { _ = line.enter(ticket, "k", "b") }
        _ = line.enter(100, "k", "a")
        var (running, grants) = (1, 0)
        while running != 100, grants < 50 {
            running = line.leave(running)[0]
            grants += 1
        }
        #expect(grants == SchedulerQueue<Int>.maxPasses + 1)
    }

    @Test func aRequestThatNeedsMoreThanAnyMayIsRefused() {
        var line = QueueUnderTest(slots: 2, maxWaiting: 9, bytes: 100, maxBytes: 80)
        #expect(line.enter(1, bytes: 81).decision == .tooLarge)
        #expect(line.enter(2, bytes: .max).decision == .tooLarge)
        #expect(line.enter(3, bytes: 80).decision == .run)
        #expect(line.queue.bytes == 80 && line.freeBytes == 20)
    }

    @Test func aLargeRequestIsOvertakenAtMostEightTimes() {
        var line = QueueUnderTest(slots: 3, maxWaiting: 100, bytes: 100)
        _ = line.enter(0, "long", bytes: 40)
        _ = line.enter(1, "large", bytes: 90)
        var overtaking = 0
        for ticket in 10..<40 {
            let decision = line.enter(ticket, "small", bytes: 10).decision
            guard decision == .run else { break }
            overtaking += 1
            _ = line.leave(ticket)
        }
        #expect(overtaking == 8)
        #expect(line.leave(0) == [1, 18], "the large request is next as soon as it fits, then what it blocked")
    }

    @Test func removingTheLargeRequestUnblocksTheOthers() {
        var line = QueueUnderTest(slots: 3, maxWaiting: 100, bytes: 100)
        _ = line.enter(0, bytes: 50)
        _ = line.enter(1, bytes: 90)
        #expect(line.enter(2, bytes: 10).decision == .wait, "in order within a flow")
        #expect(line.remove(1).granted == [2])
    }

    @Test func memoryThatBecomesFreeStartsWaitingRequests() {
        var line = QueueUnderTest(slots: 3, maxWaiting: 100, bytes: 100)
        line.freeBytes = 10
        #expect(line.enter(1, bytes: 20).decision == .wait)
        line.freeBytes = 100
        #expect(line.grantWaiting() == [1])
    }

    @Test func aFullQueueTakesARequestOfASmallKeyForTheNewestOfTheLargest() {
        var line = QueueUnderTest(slots: 1, maxWaiting: 4)
        for ticket in 0...4 { _ = line.enter(ticket, "flood") }
        #expect(line.enter(5, "flood").decision == .queueFull)
        let first = line.enter(6, "calm")
        #expect(first.decision == .wait && first.displaced == 4)
        #expect(line.enter(7, "calm").displaced == 3)
        #expect(line.enter(8, "calm").decision == .queueFull, "two each")
        #expect(line.enter(9, "third").displaced != nil)
        #expect(line.queue.waiting == 4)
    }

    @Test func theExpectedPositionCountsWhatFairnessLetsPass() {
        var line = QueueUnderTest(slots: 1, maxWaiting: 100)
        _ = line.enter(0, "flood")
        for ticket in 1...40 { _ = line.enter(ticket, "flood") }
        #expect(line.queue.position(of: SchedulerFlow(key: "flood", model: "m")) == 40)
        #expect(line.queue.position(of: SchedulerFlow(key: "flood", model: "other")) == 1)
        #expect(line.queue.position(of: SchedulerFlow(key: "calm", model: "m")) == 1)
        for ticket in 41...43 { _ = line.enter(ticket, "calm") }
        #expect(line.queue.position(of: SchedulerFlow(key: "calm", model: "m")) == 7)
    }

    @Test func aQueueOfTenThousandIsServedQuickly() {
        var line = QueueUnderTest(slots: 1, maxWaiting: 10_000)
        let clock = ContinuousClock()
        let time = clock.measure {
            _ = line.enter(-1, "k0", "m0")
            for ticket in 0..<10_000 { _ = line.enter(ticket, "k\(ticket % 8)", "m\(ticket / 8 % 4)") }
            for ticket in stride(from: 0, to: 10_000, by: 3) { _ = line.remove(ticket) }
            var running = -1
            while let next = line.leave(running).first { running = next }
        }
        #expect(line.queue.running == 0 && line.queue.waiting == 0)
        #expect(time < .seconds(10), "a second at most in an unoptimized build, when nothing else runs")
    }
}
