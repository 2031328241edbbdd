/// The memory of one connection's incomplete request head. Its first part is free; the rest is drawn from a budget that all
/// connections share.
struct HeadBudget {
    /// Bytes of a head that every connection may hold.
    static let free = 64 << 10

    private let registry: ConnectionRegistry
    private var received = 0
    private var drawn = 0

    init(registry: ConnectionRegistry) {
        self.registry = registry
    }

    /// Notes bytes of a head.
    /// - Returns: whether there is memory for them.
    mutating func receive(_ count: Int) -> Bool {
        // The decoder keeps no more, and what comes after a refused head is dropped.
        received = min(received + count, RequestHead.maxReceived)
        let needed = received - Self.free - drawn
        guard needed > 0 else { return true }
        guard registry.drawHeadBytes(needed) else { return false }
        drawn += needed
        return true
    }

    /// Returns the memory: the head is complete, or its connection has ended.
    mutating func release() {
        if drawn > 0 { registry.returnHeadBytes(drawn) }
        (received, drawn) = (0, 0)
    }
}
