import TestSupport
import Testing

@testable import Serving

/// Random sequences of events against what must hold after each of them.
@Suite struct ModelPoolModelTests {
    typealias State = ModelPoolState<Int, Int>

    /// The owner of a state, who performs effects and notes what they break.
    private struct Owner {
        var state: State
        var now = Duration.zero
        var disk: [Int: Int] = [:]
        /// Generations that are in memory, and the model of each.
        var held: [Int: Int] = [:]
        /// Loads on threads: model, version on disk when they began.
        var loads: [Int: (id: Int, version: Int?)] = [:]
        var waiting: [Int: (id: Int, since: Duration)] = [:]
        var started: [Int: Int] = [:]
        var lastWaiter = 0

        mutating func perform(_ effects: [State.Effect]) {
            for effect in effects {
                switch effect {
                case .start(let id, let generation):
                    #expect(generation > started[id] ?? 0, "generations increase")
                    started[id] = generation
                    loads[generation] = (id, disk[id])
                case .serve(let waiters, let generation):
                    #expect(!waiters.isEmpty)
                    for waiter in waiters {
                        let entry = waiting.removeValue(forKey: waiter)
                        #expect(entry != nil && entry?.id == held[generation], "whoever waited gets the own model")
                    }
                case .refuse(let waiters, _):
                    for waiter in waiters { #expect(waiting.removeValue(forKey: waiter) != nil) }
                case .release(let generation): #expect(held.removeValue(forKey: generation) != nil)
                }
            }
        }

        mutating func request(_ id: Int) {
            lastWaiter += 1
            let failure = state.models[id]?.failure
            let (decision, effects) = state.request(id, waiter: lastWaiter, now: now)
            switch decision {
            case .serve(let generation): #expect(held[generation] == id)
            case .wait: waiting[lastWaiter] = (id, now)
            case .refuse(.unusable): #expect(failure.map { now < $0.until } == true)
            case .refuse(.unknown): #expect(disk[id] == nil)
            case .refuse: break
            }
            if let failure, now < failure.until { #expect(effects == [], "nothing is loaded before its time") }
            perform(effects)
        }

        mutating func end(_ generation: Int, succeeds: Bool) {
            guard let load = loads.removeValue(forKey: generation) else { return }
            if succeeds, let version = disk[load.id] {
                held[generation] = load.id
                perform(state.loaded(load.id, generation, version: version, now: now))
            } else {
                let before = held
                perform(
                    state.failed(load.id, generation, version: load.version, reason: "broken", now: now))
                #expect(held == before, "a failed load evicts nothing")
            }
        }

        func check() {
            let limits = state.limits
            let serving = state.models.compactMap { id, model in model.serving.map { (id, $0.generation) } }
            #expect(Dictionary(uniqueKeysWithValues: serving.map { ($0.1, $0.0) }) == held)
            #expect(serving.count <= limits.maxModels ?? .max)
            #expect(Set(loads.keys) == Set(state.running.keys), "a load that has not ended is never forgotten")
            #expect(state.countedLoads(now) <= limits.maxLoads)
            #expect(loads.count <= limits.maxLoads + limits.maxHungLoads)
            #expect(state.queue.isEmpty || state.countedLoads(now) >= limits.maxLoads, "no place stays empty")
            let known = state.models.values.flatMap { $0.load?.waiters ?? [] }
            #expect(known.count == Set(known).count && Set(known) == Set(waiting.keys), "no waiter is lost")
            for model in state.models {
                #expect(model.value.load?.waiters.count ?? 0 <= max(limits.maxWaiting, 1))
                #expect(model.value.serving == nil || model.value.load?.waiters.isEmpty ?? true)
                #expect(disk[model.key] != nil)
            }
            for (_, entry) in waiting { #expect(now - entry.since < limits.longestWait) }
            let queued = state.models.values.compactMap(\.load).filter { $0.began == nil }.map(\.generation)
            #expect(Set(queued) == Set(state.queue.map(\.generation)) && queued.count == state.queue.count)
        }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>) func whatMustHoldHoldsAfterEveryEvent(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let limits = PoolLimits(
            maxModels: Bool.random(using: &random) ? Int.random(in: 1...3, using: &random) : nil,
            maxLoads: Int.random(in: 1...3, using: &random), maxWaiting: Int.random(in: 0...4, using: &random),
            maxHungLoads: Int.random(in: 0...3, using: &random))
        var owner = Owner(state: State(limits: limits))
        for _ in 0..<1500 {
            let id = Int.random(in: 1...6, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<45: owner.request(id)
            case 45..<70:
                if let generation = owner.loads.keys.sorted().randomElement(using: &random) {
                    owner.end(generation, succeeds: Int.random(in: 0..<4, using: &random) > 0)
                }
            case 70..<78:
                owner.disk[id] = Int.random(in: 0..<4, using: &random) == 0 ? nil : (owner.disk[id] ?? 0) + 1
                owner.perform(owner.state.update(owner.disk, now: owner.now))
            case 78..<84:
                if let waiter = owner.waiting.keys.sorted().randomElement(using: &random) {
                    let entry = owner.waiting.removeValue(forKey: waiter)
                    if let entry { owner.state.abandon(entry.id, waiter: waiter) }
                }
            case 84..<88: owner.perform(owner.state.close(id, now: owner.now))
            default:
                // To the next deadline at most, as the owner's timer does.
                let step = owner.now + .milliseconds(Int.random(in: 1...20_000, using: &random))
                owner.now = min(step, owner.state.nextDeadline(after: owner.now) ?? step)
                owner.perform(owner.state.advance(to: owner.now))
            }
            owner.check()
        }
        // Left alone, all of it comes to an end.
        while let generation = owner.loads.keys.min() {
            owner.end(generation, succeeds: true)
            owner.check()
        }
        #expect(owner.waiting.isEmpty && owner.state.queue.isEmpty, "seed \(seed)")
    }
}
