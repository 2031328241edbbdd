import Serving

extension PrometheusRegistry {
    /// Adds what is read from the parts of a server when the page of metrics is written.
    func addGauges(
        scheduler: Scheduler, tiledTurns: Scheduler, bodies: BodyMemory, pool: ModelPool, state: ServerState,
        connections: ConnectionRegistry
    ) {
        let memory = bodies.budget
        func add(_ name: String, _ help: String, _ value: @escaping @Sendable () -> Int) {
            gauge("silhouette_\(name)", help: help) { Double(value()) }
        }
        func count(_ name: String, _ help: String, _ value: @escaping @Sendable () -> Int) {
            counter("silhouette_\(name)", help: help) { Double(value()) }
        }
        add("predictions_in_flight", "Predictions that run or wait.") {
            scheduler.snapshot.running + scheduler.snapshot.waiting + tiledTurns.snapshot.waiting
        }
        add("predictions_waiting", "Predictions that wait for their turn.") {
            scheduler.snapshot.waiting + tiledTurns.snapshot.waiting
        }
        add("predictions_running", "Predictions that run.") { scheduler.snapshot.running }
        add("prediction_capacity", "Predictions that may run at once.") { scheduler.snapshot.capacity }
        add("body_bytes_in_flight", "Memory of request bodies in flight.") {
            memory.usage[.bodies] + memory.usage[.strangerBodies]
        }
        add("bodies_waiting", "Request bodies that wait for memory.") {
            bodies.waiting(in: .bodies) + bodies.waiting(in: .strangerBodies)
        }
        add("answer_bytes_unread", "Memory of answers that their clients have not read.") { memory.usage[.answers] }
        add("image_bytes_in_flight", "Memory of decoded images in flight, by their headers.") {
            memory.usage[.images]
        }
        add("models_loaded", "Models in memory.") { pool.snapshot.loaded }
        add("models_loading", "Models that are being loaded.") { pool.snapshot.loading }
        add("models_failed", "Models whose newest files cannot be used.") { pool.snapshot.failed }
        count("queue_cancelled_total", "Predictions that were canceled, waiting or running.") {
            // A tiled image that runs is counted where it has its slot.
            scheduler.snapshot.cancelled + tiledTurns.snapshot.cancelledWaiting
        }
        count("queue_timeouts_total", "Predictions whose time was up before their turn.") {
            scheduler.snapshot.timedOut + tiledTurns.snapshot.timedOut
        }
        count("model_evictions_total", "Models evicted from memory for others.") { pool.snapshot.counters.evictions }
        add("connections_open", "Open connections.") { connections.counts.open }
        add("head_bytes", "Memory of request heads, and of requests that wait for others of their connection.") {
            connections.counts.headBytes
        }
        for (reason, count) in Self.closings {
            counter(
                "silhouette_connections_closed_total", help: "Connections and bodies that the server ended.",
                labels: [("reason", reason)]
            ) { Double(count(connections.counts)) }
        }
        add("ready", "Whether predictions are answered.") { state.isReady ? 1 : 0 }
        addProcessGauges()
    }

    /// Why the server ends connections, and how often it did.
    private static var closings: [(String, @Sendable (ConnectionRegistry.Counts) -> Int)] {
        var closings: [(String, @Sendable (ConnectionRegistry.Counts) -> Int)] = [
            ("evicted", { $0.evicted }), ("refused", { $0.refused }),
        ]
        for timeout in ConnectionTimeout.allCases { closings.append((timeout.rawValue, { $0.timedOut[timeout] ?? 0 })) }
        return closings
    }
}
