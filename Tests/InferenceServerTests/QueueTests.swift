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

@Suite(.timeLimit(.minutes(2))) struct TurnstileTests {
    private final class Most: Sendable {
        private let state = Mutex((now: 0, most: 0))
        func enter() { state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
        func leave() { state.withLock { $0.now -= 1 } }
        var value: Int { state.withLock { $0.most } }
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

    @Test func aFullLineRefusesAndWaitingEndsAtTheDeadline() async throws {
        let turnstile = Turnstile(places: 1, maxWaiting: 1, longestWait: .milliseconds(50))
        let (isInside, inside) = AsyncStream.makeStream(of: Void.self)
        let (mayLeave, leave) = AsyncStream.makeStream(of: Void.self)
        let first = Task {
            try await turnstile.inside { _ in
                inside.finish()
                for await _ in mayLeave {}
            }
        }
        for await _ in isInside {}
        // One waits until the deadline; another is refused meanwhile.
        let errors = await withTaskGroup(of: (any Error)?.self) { group in
            for _ in 0..<2 {
                group.addTask { do { _ = try await turnstile.inside { _ in }; return nil } catch { return error } }
            }
            return await group.reduce(into: [any Error]()) { if let error = $1 { $0.append(error) } }
        }
        #expect(errors.contains { if case .overloaded = $0 as? ServingError { true } else { false } })
        #expect(errors.contains { if case .deadlineExceeded = $0 as? ServingError { true } else { false } })
        leave.finish()
        _ = try await first.value
        _ = try await turnstile.inside { _ in }
    }

    @Test func whoIsCancelledLeavesTheLineAndBlocksNobody() async throws {
        let turnstile = Turnstile(places: 1, maxWaiting: 9, longestWait: .seconds(60))
        let (isInside, inside) = AsyncStream.makeStream(of: Void.self)
        let (mayLeave, leave) = AsyncStream.makeStream(of: Void.self)
        let first = Task {
            try await turnstile.inside { _ in
                inside.finish()
                for await _ in mayLeave {}
            }
        }
        for await _ in isInside {}
        let waiting = Task { try await turnstile.inside { _ in } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        leave.finish()
        _ = try await first.value
        _ = try await turnstile.inside { _ in }
    }
}
