/// The memory of one connection's incomplete request head, or of the head of one HTTP/2 stream. Its first part is free; the rest is
/// drawn from a budget that all connections share.
struct HeadBudget {
    /// Bytes of an incomplete head that every connection may hold.
    static let free = 64 << 10

    private let registry: ConnectionRegistry
    private let free: Int
    private var received = 0
    private var drawn = 0

    /// - Parameter free: bytes that are not drawn from the budget.
    init(registry: ConnectionRegistry, free: Int = Self.free) {
        self.registry = registry
        self.free = free
    }

    /// Notes bytes of a head.
    /// - Returns: whether there is memory for them.
    mutating func receive(_ count: Int) -> Bool {
        // The decoder keeps no more, and what comes after a refused head is dropped.
        received = min(received + count, RequestHead.maxReceived)
        let needed = received - free - drawn
        guard needed > 0 else { return true }
        guard registry.drawHeadBytes(needed) else { return false }
        drawn += needed
        return true
    }

    /// Returns the memory: the head is complete, or its connection or stream has ended.
    mutating func release() {
        if drawn > 0 { registry.returnHeadBytes(drawn) }
        (received, drawn) = (0, 0)
    }
}
