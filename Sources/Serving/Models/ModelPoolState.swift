/// Decides what a pool of models does: which model is served, loaded, queued, evicted or refused.
///
/// The state has no clock, no lock and no task: events come in with the time at which they happen, and effects come out for the owner
/// to perform, in their order. Times count from any fixed moment. Generations number the loads; whatever ends late (a load of a model
/// that was closed, removed or replaced meanwhile) is recognized by its generation.
///
/// - Complexity: a request for a loaded model is O(1); every other event is O(n) in the number of models that were ever requested.
struct ModelPoolState<ID: Hashable & Sendable, Version: Equatable & Sendable>: Sendable {
    /// Identifies a waiting caller.
    typealias Waiter = Int
    /// Numbers a load and the model that it yields.
    typealias Generation = Int

    /// What becomes of a request.
    enum Decision: Equatable, Sendable {
        case serve(Generation)
        /// An effect names the waiter later, unless it is abandoned first.
        case wait
        case refuse(Refusal)
    }

    /// Why a request is not served.
    enum Refusal: Equatable, Sendable {
        case unknown
        case notReady
        case overloaded
        case unusable(String)
    }

    /// What the owner does.
    enum Effect: Equatable, Sendable {
        /// Begins to load what is on disk now.
        case start(ID, Generation)
        case serve([Waiter], Generation)
        case refuse([Waiter], Refusal)
        /// Drops the reference to a loaded model; requests in flight keep theirs.
        case release(Generation)
    }

    /// A load that is queued or running.
    struct Load: Sendable {
        let generation: Generation
        /// When it was asked for; waiters are refused `PoolLimits.longestWait` later.
        let requested: Duration
        /// When it started; `nil` while it is queued.
        var began: Duration?
        var waiters: [Waiter] = []
        /// Whether its model is served when it succeeds: not if the model was closed or evicted meanwhile and no caller waits.
        var isWanted = true
        /// Whether the files changed after it started.
        var sawChange = false
        var hasExpired = false
    }

    /// A model that is loaded.
    struct Serving: Sendable {
        let generation: Generation
        let version: Version
        /// Number of the request that used it last.
        var lastUse: Int
    }

    /// The last failed load, until another succeeds or the files change.
    struct Failure: Sendable {
        /// What failed to load; `nil` where that is unknown.
        let version: Version?
        let reason: String
        let at: Duration
        let attempts: Int
        /// No load begins before.
        let until: Duration
    }

    /// A model that was requested. Absent when all of it is `nil`.
    struct Model: Sendable {
        var serving: Serving?
        var load: Load?
        var failure: Failure?
        /// Whether the files differ from what is served.
        var isOutdated = false
    }

    /// A load on a thread. It stays here until it ends, even when the model was removed.
    struct Running: Sendable {
        let id: ID
        let began: Duration
    }

    let limits: PoolLimits
    /// The models on disk.
    private(set) var listed: [ID: Version] = [:]
    var models: [ID: Model] = [:]
    /// Loads that have not started, first come first served.
    var queue: [(id: ID, generation: Generation)] = []
    var running: [Generation: Running] = [:]
    var counters = PoolCounters()
    private var lastGeneration = 0
    private var uses = 0

    init(limits: PoolLimits) {
        self.limits = limits
    }

    /// A caller asks for a model.
    mutating func request(_ id: ID, waiter: Waiter, now: Duration) -> (decision: Decision, effects: [Effect]) {
        guard listed[id] != nil else { return (.refuse(.unknown), []) }
        let model = models[id] ?? Model()
        let backsOff = model.failure.map { now < $0.until } ?? false
        if let serving = model.serving {
            let use = nextUse()
            models[id]?.serving?.lastUse = use
            guard model.isOutdated, model.load == nil, !backsOff else { return (.serve(serving.generation), []) }
            enqueue(id, waiters: [], now: now)  // a replacement that failed is tried again
            return (.serve(serving.generation), startLoads(now))
        }
        if let load = model.load {
            guard now - load.requested < limits.longestWait else { return (.refuse(.notReady), []) }
            guard load.waiters.count < limits.maxWaiting else { return (.refuse(.overloaded), []) }
            models[id]?.load?.waiters.append(waiter)
            models[id]?.load?.isWanted = true
            return (.wait, [])
        }
        if backsOff, let failure = model.failure { return (.refuse(.unusable(failure.reason)), []) }
        // The caller that starts a load always waits for it: with a bound of 0 no load would start otherwise.
        enqueue(id, waiters: [waiter], now: now)
        return (.wait, startLoads(now))
    }

    /// A waiting caller gives up. A load that has not started and that no other caller waits for is dropped.
    mutating func abandon(_ id: ID, waiter: Waiter) {
        guard let index = models[id]?.load?.waiters.firstIndex(of: waiter) else { return }
        models[id]?.load?.waiters.remove(at: index)
        if models[id]?.serving == nil { dropQueuedLoad(of: id) }
        forgetIfAbsent(id)
    }

    /// The files on disk, as far as known.
    mutating func update(_ listing: [ID: Version], now: Duration) -> [Effect] {
        let before = listed
        listed = listing
        var effects: [Effect] = []
        for id in models.keys {
            guard let version = listing[id] else {
                effects += remove(id)
                continue
            }
            if version != before[id] { effects += change(id, to: version, now: now) }
        }
        return effects + startLoads(now)
    }

    /// Time passes: callers that waited for too long are refused, and hung loads make way for queued ones.
    mutating func advance(to now: Duration) -> [Effect] {
        var effects: [Effect] = []
        for (id, model) in models {
            guard let load = model.load, !load.hasExpired, now - load.requested >= limits.longestWait else { continue }
            models[id]?.load?.hasExpired = true
            models[id]?.load?.waiters = []
            if !load.waiters.isEmpty { effects.append(.refuse(load.waiters, .notReady)) }
        }
        return effects + startLoads(now)
    }

    /// When `advance` has something to do next; `nil` if nothing is pending.
    func nextDeadline(after now: Duration) -> Duration? {
        var times = models.values.compactMap { model -> Duration? in
            guard let load = model.load, !load.hasExpired else { return nil }
            return load.requested + limits.longestWait
        }
        if !queue.isEmpty { times += running.values.map { $0.began + limits.hangsAfter }.filter { $0 > now } }
        return times.min()
    }

    /// Adds a load at the end of the queue.
    mutating func enqueue(_ id: ID, waiters: [Waiter], now: Duration) {
        lastGeneration += 1
        models[id, default: Model()].load = Load(generation: lastGeneration, requested: now, waiters: waiters)
        queue.append((id, lastGeneration))
    }

    /// Starts queued loads while there is room for them.
    mutating func startLoads(_ now: Duration) -> [Effect] {
        var effects: [Effect] = []
        while let next = queue.first, countedLoads(now) < limits.maxLoads {
            queue.removeFirst()
            models[next.id]?.load?.began = now
            running[next.generation] = Running(id: next.id, began: now)
            counters.loads += 1
            effects.append(.start(next.id, next.generation))
        }
        return effects
    }

    /// Running loads without those that hang, of which `PoolLimits.maxHungLoads` are left out at most.
    func countedLoads(_ now: Duration) -> Int {
        running.count - min(running.values.count { now - $0.began >= limits.hangsAfter }, limits.maxHungLoads)
    }

    /// The number of the next use.
    mutating func nextUse() -> Int {
        uses += 1
        return uses
    }
}
