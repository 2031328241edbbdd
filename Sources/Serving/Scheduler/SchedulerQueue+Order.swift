extension SchedulerQueue {
    /// The waiting and running requests of one model for one key.
    struct FlowState: Sendable {
        /// The tickets that wait.
        var line = FlowLine<Ticket>()
        /// The number of requests that run.
        var running = 0
        /// When the flow was last granted, or else when it became active.
        var stamp: UInt64
        /// Grants of the same key to other models while this one waited, since its last own grant.
        var passes = 0
    }

    /// The waiting and running requests of one key.
    struct KeyState: Sendable {
        /// The models that have waiting or running requests.
        var flows: [String: FlowState] = [:]
        /// The number of requests that wait.
        var waiting = 0
        /// The number of requests that run.
        var running = 0
        /// When the key was last granted, or else when it became active.
        var stamp: UInt64
    }

    /// Changes the state of a flow and of its key, and forgets those without a request.
    mutating func withState(of flow: SchedulerFlow, _ change: (inout KeyState, inout FlowState) -> Void) {
        // Taken out of the dictionaries meanwhile, so that nothing is copied.
        var key = keys.removeValue(forKey: flow.key) ?? KeyState(stamp: sequence)
        var state = key.flows.removeValue(forKey: flow.model) ?? FlowState(stamp: sequence)
        change(&key, &state)
        if state.running > 0 || !state.line.isEmpty { key.flows[flow.model] = state }
        if key.running > 0 || key.waiting > 0 { keys[flow.key] = key }
    }

    /// The request that a free slot belongs to, leaving out one flow.
    func nextTicket(except excluded: SchedulerFlow?) -> (ticket: Ticket, flow: SchedulerFlow)? {
        var next: (key: String?, state: KeyState, rank: (Int, UInt64))?
        for (key, state) in keys where state.waiting > 0 {
            if let excluded, excluded.key == key,
                state.waiting == state.flows[excluded.model]?.line.count ?? 0
            {
                continue
            }
            let rank = (state.running, state.stamp)
            if let next, next.rank <= rank { continue }
            next = (key, state, rank)
        }
        guard let next else { return nil }
        return nextTicket(of: next.key, next.state, except: excluded)
    }

    private func nextTicket(
        of key: String?, _ state: KeyState, except excluded: SchedulerFlow?
    ) -> (ticket: Ticket, flow: SchedulerFlow)? {
        var next: (ticket: Ticket, model: String, rank: (Int, Int, UInt64))?
        for (model, flow) in state.flows {
            guard let ticket = flow.line.first, excluded != SchedulerFlow(key: key, model: model) else { continue }
            let rank =
                flow.passes >= Self.maxPasses
                ? (0, -flow.passes, flow.stamp) : (1, runningByModel[model] ?? 0, flow.stamp)
            if let next, next.rank <= rank { continue }
            next = (ticket, model, rank)
        }
        return next.map { ($0.ticket, SchedulerFlow(key: key, model: $0.model)) }
    }

    /// The newest request of the key with the most waiting requests, if those are at least two more than a given key has.
    func ticketToDisplace(for key: String?) -> Ticket? {
        guard let longest = longestBacklog, longest.waiting >= (keys[key]?.waiting ?? 0) + 2 else { return nil }
        let newest = keys[longest.key]?.flows.values.compactMap(\.line.last).max { $0.sequence < $1.sequence }
        return newest?.ticket
    }

    /// The number of keys and models of which anything is remembered.
    package var rememberedFlows: Int { runningByModel.count + keys.values.reduce(0) { $0 + 1 + $1.flows.count } }

    /// The key with the most waiting requests, and their number; among equals, the most recently granted key.
    /// - Complexity: O(keys).
    package var longestBacklog: (key: String?, waiting: Int)? {
        keys.max { ($0.value.waiting, $0.value.stamp) < ($1.value.waiting, $1.value.stamp) }
            .map { ($0.key, $0.value.waiting) }
    }

    /// The number of waiting requests that are expected to run before one that enters now, if requests take equally long.
    /// - Complexity: O(keys + models of the key).
    package func position(of flow: SchedulerFlow) -> Int {
        let own = keys[flow.key]
        let inFlow = own?.flows[flow.model]?.line.count ?? 0
        let inKey =
            own?.flows.reduce(inFlow) { sum, other in
                other.key == flow.model ? sum : sum + min(other.value.line.count, inFlow + 1)
            } ?? 0
        return keys.reduce(inKey) { sum, other in
            other.key == flow.key ? sum : sum + min(other.value.waiting, inKey + 1)
        }
    }
}
