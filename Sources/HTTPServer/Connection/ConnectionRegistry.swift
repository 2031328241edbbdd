import Logging
import Synchronization

/// Counts the open connections and decides which one is evicted when there are too many.
///
/// A connection is in flight from the end of a request until the end of its response. All others can be evicted: those that
/// are kept alive, that still send a head or a body, or whose client does not read a finished response.
final class ConnectionRegistry: Sendable {
    /// Gauges and counters of the connections.
    struct Counts: Equatable, Sendable {
        /// Connections that are open.
        var open = 0
        /// Open connections with at least one request in flight.
        var inFlight = 0
        /// Connections that were closed to admit others, or for want of memory for their heads.
        var evicted = 0
        /// Connections that were closed on arrival.
        var refused = 0
        /// Memory that heads and requests that wait take of what they share, in bytes.
        var headBytes = 0
        /// Connections and request bodies that ran into a deadline.
        var timedOut: [ConnectionTimeout: Int] = [:]
    }

    private struct State {
        var nextID = 0
        var connections: [Int: @Sendable () -> Void] = [:]
        var idle = IdleOrder()
        var headBytes = 0
        var windowBytes = 0
        var counts = Counts()
        /// Refused connections that wait for their client to take the answer.
        var waitingRefusals = 0
        var loggedRefusals: (time: ContinuousClock.Instant, count: Int)?
    }

    /// Maximum number of open connections.
    let maxConnections: Int
    private let maxHeadBytes: Int
    private let maxWindowBytes: Int
    private let logger: Logger?
    private let state = Mutex(State())
    private let exchanges = Atomic<Int>(0)

    /// - Parameters:
    ///   - maxHeadBytes: bytes that heads and requests that wait may take together, besides what is free for each.
    ///   - maxWindowBytes: bytes that the bodies of HTTP/2 streams may send unasked, besides those of one stream for each connection.
    ///   - logger: where it is told that connections are refused, at most once a minute.
    init(
        maxConnections: Int, maxHeadBytes: Int = 64 << 20, maxWindowBytes: Int = 64 << 20, logger: Logger? = nil
    ) {
        self.maxConnections = max(1, maxConnections)
        self.maxHeadBytes = max(0, maxHeadBytes)
        self.maxWindowBytes = max(0, maxWindowBytes)
        self.logger = logger
    }

    /// Requests whose head has arrived and that are not over.
    var requestsInFlight: Int { exchanges.load(ordering: .relaxed) }

    /// Notes a complete head of a request.
    func exchangeBegan() {
        exchanges.wrappingAdd(1, ordering: .relaxed)
    }

    /// Notes that a request is over.
    func exchangeEnded() {
        exchanges.wrappingSubtract(1, ordering: .relaxed)
    }

    /// The counts at the moment.
    var counts: Counts {
        state.withLock { state in
            var counts = state.counts
            counts.open = state.connections.count
            counts.inFlight = state.connections.count - state.idle.count
            counts.headBytes = state.headBytes
            return counts
        }
    }

    /// Admits a new connection, evicting another one when there are too many.
    /// - Parameter close: closes the connection; called at most once, from any thread.
    /// - Returns: the connection's identifier, or nil when the connection is refused.
    func open(close: @escaping @Sendable () -> Void) -> Int? {
        let (id, evicted, refused) = state.withLock { state -> (Int?, (@Sendable () -> Void)?, Int) in
            var evicted: (@Sendable () -> Void)?
            if state.connections.count >= maxConnections {
                evicted = evictOne(&state)
                guard evicted != nil else { return (nil, nil, refusalToLog(&state)) }
            }
            let id = state.nextID
            state.nextID += 1
            state.connections[id] = close
            state.idle.append(id)
            return (id, evicted, 0)
        }
        evicted?()
        if refused > 0 {
            logger?.warning(
                "Connections are refused: --max-connections are open, and all of them have requests in flight.",
                metadata: ["open": "\(maxConnections)", "refused": "\(refused)"])
        }
        return id
    }

    /// Takes one of the places for refused connections that wait for their client to take the answer.
    /// - Returns: whether there is one.
    func refusalBegan() -> Bool {
        state.withLock { state in
            guard state.waitingRefusals < RefusedConnection.maxWaiting else { return false }
            state.waitingRefusals += 1
            return true
        }
    }

    /// Returns the place of a refused connection.
    func refusalEnded() {
        state.withLock { $0.waitingRefusals -= 1 }
    }

    /// Evicts up to a number of connections without a request in flight, to free their descriptors.
    func evict(atMost count: Int) {
        let evicted = state.withLock { state in
            var evicted: [@Sendable () -> Void] = []
            while evicted.count < count, let close = evictOne(&state) { evicted.append(close) }
            return evicted
        }
        for close in evicted { close() }
    }

    /// Forgets a connection that is about to be closed by its guard, and counts it as evicted.
    func evict(_ id: Int) {
        state.withLock { state in
            guard state.connections.removeValue(forKey: id) != nil else { return }
            state.idle.remove(id)
            state.counts.evicted += 1
        }
    }

    /// Takes memory for a head or for requests that wait.
    /// - Returns: whether there is as much.
    func drawHeadBytes(_ count: Int) -> Bool {
        state.withLock { state in
            guard count <= maxHeadBytes - state.headBytes else { return false }
            state.headBytes += count
            return true
        }
    }

    /// Returns memory that was taken for a head.
    func returnHeadBytes(_ count: Int) {
        state.withLock { $0.headBytes -= count }
    }

    /// Takes the memory that the client of an HTTP/2 stream may fill before any of its body is wanted.
    /// - Returns: whether there is as much.
    func drawWindow(_ size: Int) -> Bool {
        state.withLock { state in
            guard size <= maxWindowBytes - state.windowBytes else { return false }
            state.windowBytes += size
            return true
        }
    }

    /// Returns memory that was taken for a stream.
    func returnWindow(_ size: Int) {
        state.withLock { $0.windowBytes -= size }
    }

    /// Notes whether a connection has a request in flight.
    func set(_ id: Int, inFlight: Bool) {
        state.withLock { state in
            guard state.connections[id] != nil else { return }
            if inFlight { state.idle.remove(id) } else { state.idle.append(id) }
        }
    }

    /// Forgets a connection that has ended.
    func closed(_ id: Int) {
        state.withLock { state in
            state.connections[id] = nil
            state.idle.remove(id)
        }
    }

    /// Counts a deadline that was missed.
    func count(_ timeout: ConnectionTimeout) {
        state.withLock { $0.counts.timedOut[timeout, default: 0] += 1 }
    }

    /// Counts a refusal.
    /// - Returns: how many there have been since the last time this was not zero.
    private func refusalToLog(_ state: inout State) -> Int {
        state.counts.refused += 1
        let now = ContinuousClock.now
        if let last = state.loggedRefusals, now - last.time < .seconds(60) { return 0 }
        defer { state.loggedRefusals = (now, state.counts.refused) }
        return state.counts.refused - (state.loggedRefusals?.count ?? 0)
    }

    private func evictOne(_ state: inout State) -> (@Sendable () -> Void)? {
        guard let id = state.idle.popFirst(), let close = state.connections.removeValue(forKey: id) else { return nil }
        state.counts.evicted += 1
        return close
    }
}
