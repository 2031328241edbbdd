import Testing

@testable import Serving

/// One test for each order of the events that can race.
@Suite struct ModelPoolStateTests {
    typealias State = ModelPoolState<String, Int>

    /// A state with the models `a` to `e` in version 1.
    private func state(_ limits: PoolLimits = PoolLimits()) -> State {
        var state = State(limits: limits)
        #expect(state.update(["a": 1, "b": 1, "c": 1, "d": 1, "e": 1], now: .zero) == [])
        return state
    }

    /// Requests and loads a model in version 1.
    private func load(_ id: String, in state: inout State, now: Duration = .zero, waiter: Int = 0) -> Int {
        let (decision, effects) = state.request(id, waiter: waiter, now: now)
        #expect(decision == .wait)
        guard case .start(id, let generation)? = effects.first else {
            Issue.record("\(id) was not started: \(effects)")
            return -1
        }
        let results = state.loaded(id, generation, version: 1, now: now)
        #expect(results.first == .serve([waiter], generation))
        return generation
    }

    @Test func concurrentCallersShareOneLoad() {
        var state = state()
        #expect(state.request("a", waiter: 1, now: .zero) == (.wait, [.start("a", 1)]))
        #expect(state.request("a", waiter: 2, now: .seconds(1)) == (.wait, []))
        #expect(state.loaded("a", 1, version: 1, now: .seconds(2)) == [.serve([1, 2], 1)])
        #expect(state.request("a", waiter: 3, now: .seconds(3)) == (.serve(1), []))
        #expect(state.request("x", waiter: 4, now: .seconds(3)) == (.refuse(.unknown), []))
    }

    @Test func waitsAreBoundedInNumberAndInTime() {
        var state = state(PoolLimits(maxWaiting: 2))
        _ = state.request("a", waiter: 1, now: .zero)
        _ = state.request("a", waiter: 2, now: .seconds(20))
        #expect(state.request("a", waiter: 3, now: .seconds(20)).decision == .refuse(.overloaded))
        #expect(state.nextDeadline(after: .seconds(20)) == .seconds(30))
        #expect(state.advance(to: .seconds(29)) == [])
        #expect(state.advance(to: .seconds(30)) == [.refuse([1, 2], .notReady)])
        #expect(state.request("a", waiter: 4, now: .seconds(31)).decision == .refuse(.notReady))
        #expect(state.close("a", now: .seconds(31)) == [], "a load in progress is not closed")
        #expect(state.running.count == 1)
        #expect(state.loaded("a", 1, version: 1, now: .seconds(40)) == [.release(1)], "closed, and no caller waits")
    }

    @Test func aLateLoadIsServed() {
        var state = state()
        _ = state.request("a", waiter: 1, now: .zero)
        _ = state.advance(to: .seconds(30))
        #expect(state.loaded("a", 1, version: 1, now: .seconds(40)) == [])
        #expect(state.request("a", waiter: 2, now: .seconds(41)).decision == .serve(1))
    }

    @Test func loadsBeyondTheLimitAreQueuedInOrder() {
        var state = state()
        for (waiter, id) in ["a", "b", "c", "d"].enumerated() { _ = state.request(id, waiter: waiter, now: .zero) }
        #expect(state.running.count == 2)
        #expect(state.failed("b", 2, version: 1, reason: "broken", now: .zero).contains(.start("c", 3)))
        state.abandon("d", waiter: 3)  // not started: dropped
        #expect(state.loaded("a", 1, version: 1, now: .zero) == [.serve([0], 1)])
        #expect(state.queue.isEmpty)
    }

    @Test func hungLoadsMakeWayUpToALimit() {
        var state = state(PoolLimits(maxLoads: 1, maxHungLoads: 2))
        for (waiter, id) in ["a", "b", "c", "d"].enumerated() { _ = state.request(id, waiter: waiter, now: .zero) }
        #expect(state.nextDeadline(after: .seconds(1)) == .seconds(30))
        #expect(state.advance(to: .seconds(30)).contains(.start("b", 2)))
        #expect(state.advance(to: .seconds(60)).contains(.start("c", 3)))
        #expect(state.advance(to: .seconds(90)) == [], "two hang, and the third counts")
        #expect(state.failed("a", 1, version: 1, reason: "gave up", now: .seconds(91)) == [.start("d", 4)])
    }

    @Test func failuresBackOffAndTellTheReason() {
        var state = state()
        var now = Duration.zero
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let (decision, effects) = state.request("a", waiter: 1, now: now)
            #expect(decision == .wait)
            guard case .start(_, let generation)? = effects.first else {
                Issue.record("not started")
                return
            }
            #expect(
                state.failed("a", generation, version: 1, reason: "broken", now: now)
                    == [.refuse([1], .unusable("broken"))])
            #expect(state.request("a", waiter: 1, now: now).decision == .refuse(.unusable("broken")))
            now += .seconds(seconds)
            let early = state.request("a", waiter: 1, now: now - .milliseconds(1)).decision
            #expect(early == .refuse(.unusable("broken")))
        }
        #expect(state.counters.failedLoads == 8)
        _ = state.request("a", waiter: 1, now: now)
        _ = state.failed("a", 9, version: 1, reason: "broken", now: now)
        _ = state.update(["a": 2], now: now)
        #expect(state.request("a", waiter: 1, now: now).effects == [.start("a", 10)], "other files are tried at once")
    }

    @Test func onlyASuccessfulLoadEvicts() {
        var state = state(PoolLimits(maxModels: 2))
        let first = load("a", in: &state)
        let second = load("b", in: &state)
        _ = state.request("a", waiter: 0, now: .zero)  // used last
        let (_, effects) = state.request("c", waiter: 0, now: .zero)
        #expect(effects == [.start("c", 3)], "nothing is evicted before the load")
        #expect(
            state.failed("c", 3, version: 1, reason: "broken", now: .zero) == [.refuse([0], .unusable("broken"))])
        let third = state.request("d", waiter: 0, now: .zero)
        #expect(third.effects == [.start("d", 4)])
        #expect(state.loaded("d", 4, version: 1, now: .zero) == [.serve([0], 4), .release(second)])
        #expect(state.request("a", waiter: 0, now: .zero).decision == .serve(first))
        #expect(state.counters.evictions == 1)
    }

    @Test func aReplacementSwapsWhenItIsLoaded() {
        var state = state()
        let old = load("a", in: &state)
        #expect(state.update(["a": 2], now: .zero) == [.start("a", 2)])
        #expect(state.request("a", waiter: 1, now: .zero).decision == .serve(old))
        #expect(state.loaded("a", 2, version: 2, now: .zero) == [.release(old)])
        #expect(state.request("a", waiter: 1, now: .zero).decision == .serve(2))
        #expect(state.counters.reloads == 1)
    }

    @Test func aBrokenReplacementKeepsTheOldModelAndIsTriedAgainLater() {
        var state = state()
        let old = load("a", in: &state)
        _ = state.update(["a": 2], now: .zero)
        #expect(state.failed("a", 2, version: 2, reason: "broken", now: .zero) == [])
        #expect(state.models["a"]?.failure?.reason == "broken")
        #expect(state.request("a", waiter: 1, now: .milliseconds(999)) == (.serve(old), []))
        #expect(state.request("a", waiter: 1, now: .seconds(1)) == (.serve(old), [.start("a", 3)]))
        _ = state.failed("a", 3, version: 2, reason: "broken", now: .seconds(1))
        #expect(state.request("a", waiter: 1, now: .seconds(2)) == (.serve(old), []))
        #expect(state.update(["a": 3], now: .seconds(2)) == [.start("a", 4)])
        #expect(state.loaded("a", 4, version: 3, now: .seconds(2)) == [.release(old)])
        #expect(state.models["a"]?.failure == nil)
        #expect(state.counters.failedReloads == 2)
    }

    @Test func filesThatReturnToWhatIsServedNeedNoReplacement() {
        var state = state(PoolLimits(maxLoads: 1))
        let old = load("a", in: &state)
        _ = state.request("b", waiter: 0, now: .zero)  // takes the only place
        #expect(state.update(["a": 2, "b": 1], now: .zero) == [])
        #expect(state.queue.map(\.id) == ["a"])
        #expect(state.update(["a": 1, "b": 1], now: .zero) == [])
        #expect(state.queue.isEmpty)
        #expect(state.request("a", waiter: 0, now: .zero) == (.serve(old), []))
    }

    @Test func aChangeDuringALoadCausesAnotherOnlyWhereTheLoadMissedIt() {
        for version in [1, 2] {
            var state = state()
            _ = state.request("a", waiter: 1, now: .zero)
            #expect(state.update(["a": 2], now: .zero) == [])
            let effects = state.loaded("a", 1, version: version, now: .zero)
            #expect(effects == [.serve([1], 1)] + (version == 1 ? [.start("a", 2)] : []))
        }
        // The listing lags behind: what was loaded is newer.
        var state = state()
        _ = state.request("a", waiter: 1, now: .zero)
        #expect(state.loaded("a", 1, version: 2, now: .zero) == [.serve([1], 1)])
        #expect(state.update(["a": 2], now: .zero) == [])
    }

    @Test func aChangeDuringAFailingLoadDeservesAnotherAttemptAtOnce() {
        var state = state()
        _ = state.request("a", waiter: 1, now: .zero)
        _ = state.update(["a": 2], now: .zero)
        _ = state.failed("a", 1, version: 1, reason: "half a file", now: .zero)
        #expect(state.request("a", waiter: 2, now: .zero) == (.wait, [.start("a", 2)]))
    }

    @Test func aHungLoadIsLeftToItselfWhenTheFilesChange() {
        var state = state()
        _ = state.request("a", waiter: 1, now: .zero)
        _ = state.advance(to: .seconds(30))
        _ = state.update(["a": 2], now: .seconds(40))
        #expect(state.request("a", waiter: 2, now: .seconds(41)) == (.wait, [.start("a", 2)]))
        #expect(state.loaded("a", 2, version: 2, now: .seconds(42)) == [.serve([2], 2)])
        #expect(state.loaded("a", 1, version: 1, now: .seconds(50)) == [.release(1)], "too late")
        #expect(state.request("a", waiter: 3, now: .seconds(51)).decision == .serve(2))
    }

    @Test func aClosedModelIsLoadedAgain() {
        var state = state()
        let first = load("a", in: &state)
        #expect(state.close("a", now: .zero) == [.release(first)])
        #expect(state.close("a", now: .zero) == [])
        #expect(load("a", in: &state) == first + 1)
    }

    @Test func closingDuringALoadLeavesItToThoseWhoWait() {
        var state = state()
        _ = state.request("a", waiter: 1, now: .zero)
        #expect(state.close("a", now: .zero) == [])
        #expect(state.loaded("a", 1, version: 1, now: .zero) == [.serve([1], 1)])
    }

    @Test func closingDuringAReplacementDropsBothUnlessACallerComes() {
        for comes in [false, true] {
            var state = state()
            let old = load("a", in: &state)
            _ = state.update(["a": 2], now: .zero)
            #expect(state.close("a", now: .zero) == [.release(old)])
            if comes { #expect(state.request("a", waiter: 7, now: .zero) == (.wait, [])) }
            let effects = state.loaded("a", 2, version: 2, now: .zero)
            #expect(effects == (comes ? [.serve([7], 2)] : [.release(2)]))
            #expect(state.counters.reloads == 0)
        }
    }

    @Test func closingAfterAFailureForgetsIt() {
        var state = state()
        _ = state.request("a", waiter: 1, now: .zero)
        _ = state.failed("a", 1, version: 1, reason: "broken", now: .zero)
        _ = state.close("a", now: .zero)
        #expect(state.request("a", waiter: 2, now: .zero) == (.wait, [.start("a", 2)]))
    }

    @Test func evictionDuringAReplacementDropsBoth() {
        var state = state(PoolLimits(maxModels: 1))
        let old = load("a", in: &state)
        _ = state.update(["a": 2, "b": 1], now: .zero)
        _ = state.request("b", waiter: 1, now: .zero)
        #expect(state.loaded("b", 3, version: 1, now: .zero) == [.serve([1], 3), .release(old)])
        #expect(state.loaded("a", 2, version: 2, now: .zero) == [.release(2)])
    }

    @Test func aRemovedModelIsRefusedAndReleasedWhateverItIsAt() {
        var state = state()
        let old = load("a", in: &state)
        #expect(state.update(["b": 1, "c": 1, "d": 1], now: .zero) == [.release(old)])
        #expect(state.request("a", waiter: 1, now: .zero).decision == .refuse(.unknown))
        for (waiter, id) in ["b", "c", "d"].enumerated() { _ = state.request(id, waiter: waiter, now: .zero) }
        let effects = state.update([:], now: .zero)
        for waiter in 0...2 { #expect(effects.contains(.refuse([waiter], .unknown))) }
        #expect(state.queue.isEmpty && state.running.count == 2)
        #expect(state.loaded("b", 2, version: 1, now: .zero) == [.release(2)])
        #expect(state.failed("c", 3, version: 1, reason: "gone", now: .zero) == [])
        #expect(state.models.isEmpty && state.running.isEmpty)
    }

    @Test func aModelThatReturnsDuringItsOldLoadIsLoadedAnew() {
        var state = state()
        _ = state.request("a", waiter: 1, now: .zero)
        _ = state.update([:], now: .zero)
        _ = state.update(["a": 2], now: .zero)
        #expect(state.request("a", waiter: 2, now: .zero) == (.wait, [.start("a", 2)]))
        #expect(
            state.failed("a", 1, version: 1, reason: "gone", now: .zero) == [], "the old load's end changes nothing")
        #expect(state.loaded("a", 2, version: 2, now: .zero) == [.serve([2], 2)])
    }

    @Test func whoeverLeavesIsNotNamed() {
        var state = state()
        _ = state.request("a", waiter: 1, now: .zero)
        _ = state.request("a", waiter: 2, now: .zero)
        state.abandon("a", waiter: 1)
        state.abandon("a", waiter: 9)
        #expect(state.loaded("a", 1, version: 1, now: .zero) == [.serve([2], 1)])
    }
}
