import InstanceSegmentation
import Synchronization
import TestSupport
import Testing

@testable import InferenceServer

@Suite struct WaitingLineTests {
    @Test func whoComesFirstIsServedFirst() {
        var line = WaitingLine<Int>(lanes: 1, maxWaiting: 2)
        #expect(line.enter(1) == .run(lane: 0))
        #expect(line.enter(2) == .wait)
        #expect(line.enter(3) == .wait)
        #expect(line.enter(4) == .refuse)
        #expect(line.leave(lane: 0) == 2)
        #expect(line.enter(5) == .wait)
        #expect(line.leave(lane: 0) == 3)
        #expect(line.leave(lane: 0) == 5)
        #expect(line.leave(lane: 0) == nil)
        #expect(line.enter(6) == .run(lane: 0))
    }

    @Test func whoGivesUpIsNotServed() {
        var line = WaitingLine<Int>(lanes: 1, maxWaiting: 9)
        _ = line.enter(1)
        _ = line.enter(2)
        _ = line.enter(3)
        let removed = (line.remove(2), line.remove(2), line.remove(1))
        #expect(removed == (true, false, false))
        #expect(line.leave(lane: 0) == 3)
    }

    /// Every order of coming, going and giving up: a lane never has two at once, nobody is lost, nobody is served twice.
    @Test func noLaneIsEverSharedOrLost() {
        for seed in 0..<300 {
            var random = seed &* 7919 + 1
            let lanes = 1 + seed % 3
            var line = WaitingLine<Int>(lanes: lanes, maxWaiting: 4)
            var running: [Int: Int] = [:]  // lane: id
            var waiting: [Int] = []
            for id in 0..<200 {
                switch (random &* 31 &+ id) % 3 {
                case 0:
                    switch line.enter(id) {
                    case .run(let lane):
                        #expect(running[lane] == nil && waiting.isEmpty)
                        running[lane] = id
                    case .wait:
                        #expect(running.count == lanes && waiting.count < 4)
                        waiting.append(id)
                    case .refuse: #expect(waiting.count == 4)
                    }
                case 1:
                    guard let lane = running.keys.sorted().first else { continue }
                    let served = line.leave(lane: lane)
                    #expect(served == waiting.first)
                    running[lane] = served
                    if served != nil { waiting.removeFirst() }
                default:
                    guard let last = waiting.last else { continue }
                    let wasWaiting = line.remove(last)
                    #expect(wasWaiting)
                    waiting.removeLast()
                }
                random = (random &* 1_103_515_245 &+ 12345) & 0x7FFF_FFFF
            }
            #expect(line.waitingCount == waiting.count)
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct InferenceQueueTests {
    /// A lane that answers its input, and notes how many were in it at once.
    private func lane(_ delay: Duration, most: Most) -> StubSession {
        StubSession { inputs in
            most.enter()
            defer { most.leave() }
            try await Task.sleep(for: delay)
            return inputs
        }
    }

    private final class Most: Sendable {
        private let state = Mutex((now: 0, most: 0))
        func enter() { state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
        func leave() { state.withLock { $0.now -= 1 } }
        var value: Int { state.withLock { $0.most } }
    }

    private func input(_ i: Int) -> [String: Tensor] { ["x": Tensor(shape: [1], elements: [Float(i)])] }

    @Test func everybodyGetsTheirOwnAnswerAndLanesAreNotShared() async throws {
        let most = [Most(), Most()]
        let queue = InferenceQueue(
            lanes: ServingLanes(many: most.map { lane(.milliseconds(1), most: $0) }), maxWaiting: 100,
            longestWait: .seconds(60))
        let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
            for i in 0..<80 {
                group.addTask { try await queue.infer(input(i)).outputs["x"]?.elements == [Float(i)] }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 80 && answers.allSatisfy(\.self))
        #expect(most.map(\.value) == [1, 1])
    }

    @Test func fewShareAllCoresAndWideLanesAreNotShared() async throws {
        let (most, narrow) = ([Most(), Most(), Most()], Most())
        let wide = most.map { lane(.milliseconds(150), most: $0) }
        let many = (0..<6).map { _ in lane(.milliseconds(150), most: narrow) }
        let queue = InferenceQueue(
            lanes: ServingLanes(wide: wide, many: many), maxWaiting: 100, longestWait: .seconds(60))
        func ask(_ count: Int) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for i in 0..<count { group.addTask { _ = try await queue.infer(input(i)) } }
                try await group.waitForAll()
            }
        }
        try await ask(3)
        #expect(wide.map(\.callCount).reduce(0, +) == 3 && narrow.value == 0)
        try await ask(6)
        #expect(narrow.value >= 1, "with six at once, some are not among the first three")
        for _ in 0..<3 { try await ask(5) }
        #expect(most.allSatisfy { $0.value <= 1 })
        try await ask(2)
        let calls = (wide + many).map(\.callCount).reduce(0, +)
        #expect(calls == 3 + 6 + 15 + 2)
    }

    @Test func whoIsAloneGetsAllCoresAndOthersRunBesideOneAnother() async throws {
        let (wide, narrow) = (Most(), [Most(), Most()])
        let alone = lane(.milliseconds(20), most: wide)
        let many = narrow.map { lane(.milliseconds(20), most: $0) }
        let queue = InferenceQueue(
            lanes: ServingLanes(wide: [alone], many: many), maxWaiting: 100, longestWait: .seconds(60))
        for i in 0..<3 { _ = try await queue.infer(input(i)) }
        #expect(alone.callCount == 3 && many.allSatisfy { $0.callCount == 0 })
        let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
            for i in 0..<20 {
                group.addTask { try await queue.infer(input(i)).outputs["x"]?.elements == [Float(i)] }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 20 && answers.allSatisfy(\.self))
        #expect(alone.callCount <= 5, "one at the start, perhaps one at the end")
        #expect(many.allSatisfy { $0.callCount >= 5 } && wide.value == 1 && narrow.map(\.value) == [1, 1])
        _ = try await queue.infer(input(1))
        #expect(alone.callCount >= 4)
    }

    @Test func whoFindsTheLineFullIsRefusedAtOnce() async throws {
        let queue = InferenceQueue(
            lanes: ServingLanes(many: [lane(.milliseconds(300), most: Most())]), maxWaiting: 1,
            longestWait: .seconds(60))
        let refused = await withTaskGroup(of: Bool.self) { group in
            for i in 0..<5 {
                group.addTask {
                    do {
                        _ = try await queue.infer(input(i))
                        return false
                    } catch {
                        if case .overloaded = error as? ServingError { return true }
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(refused == 3)
    }

    @Test func waitingEndsAtTheDeadlineAndTheLaneStaysUsable() async throws {
        let queue = InferenceQueue(
            lanes: ServingLanes(many: [lane(.milliseconds(400), most: Most())]), maxWaiting: 9,
            longestWait: .milliseconds(50))
        async let first = queue.infer(input(1))
        try await Task.sleep(for: .milliseconds(50))
        await #expect { try await queue.infer(input(2)) } throws: {
            if case .deadlineExceeded = $0 as? ServingError { true } else { false }
        }
        _ = try await first
        #expect(try await queue.infer(input(3)).outputs["x"]?.elements == [3])
    }

    @Test func whoIsCancelledLeavesTheLineAndBlocksNobody() async throws {
        let session = lane(.milliseconds(100), most: Most())
        let queue = InferenceQueue(lanes: ServingLanes(many: [session]), maxWaiting: 9, longestWait: .seconds(60))
        async let first = queue.infer(input(1))
        try await Task.sleep(for: .milliseconds(20))
        let waiting = Task { try await queue.infer(input(2)) }
        try await Task.sleep(for: .milliseconds(20))
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        _ = try await first
        #expect(session.callCount == 1)
        _ = try await queue.infer(input(3))
        #expect(session.callCount == 2)
    }

    @Test func noMoreAreInsideATurnstileThanThereArePlaces() async throws {
        let turnstile = Turnstile(places: 3, maxWaiting: 40, longestWait: .seconds(60))
        let most = Most()
        let answers = try await withThrowingTaskGroup(of: (Int, Duration).self) { group in
            for i in 0..<40 {
                group.addTask {
                    let (result, waited) = try await turnstile.inside { place in
                        most.enter()
                        defer { most.leave() }
                        try await Task.sleep(for: .milliseconds(2))
                        #expect((0..<3).contains(place))
                        return i
                    }
                    return (result, waited)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(answers.map(\.0)) == Set(0..<40) && most.value == 3)
        #expect(answers.contains { $0.1 > .milliseconds(2) }, "who waited is told how long")
    }

    @Test func aFailedInferenceGivesItsLaneBack() async throws {
        struct Failure: Error {}
        let queue = InferenceQueue(
            lanes: ServingLanes(many: [StubSession { _ in throw Failure() }]), maxWaiting: 9, longestWait: .seconds(5))
        for i in 0..<5 { await #expect(throws: Failure.self) { try await queue.infer(input(i)) } }
    }
}
