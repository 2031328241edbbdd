/// Memory that one connection takes before it is known whose it is: for an incomplete request head, for the head of the
/// request that is being answered and for requests that wait after it, or for the head of one HTTP/2 stream. Its first
/// part is free; the rest is drawn from a budget that all connections share.
struct HeadBudget {
    /// Bytes of an incomplete head that every connection may hold.
    static let free = 64 << 10
    /// Most bytes of one budget: those of the largest head that decoders accept, whose target a request keeps twice.
    static let max = 2 * RequestHead.maxReceived

    private let registry: ConnectionRegistry
    private let free: Int
    private var held = 0
    private var drawn = 0

    /// - Parameter free: bytes that are not drawn from the budget.
    init(registry: ConnectionRegistry, free: Int = Self.free) {
        self.registry = registry
        self.free = free
    }

    /// Notes further bytes.
    /// - Returns: whether there is memory for them.
    mutating func receive(_ count: Int) -> Bool {
        hold(held + count)
    }

    /// Notes how many bytes there are now. Fewer than before always fit.
    /// - Returns: whether there is memory for them; else nothing has changed.
    mutating func hold(_ bytes: Int) -> Bool {
        guard bytes <= Self.max else { return false }
        let needed = Swift.max(0, bytes - free) - drawn
        if needed > 0, !registry.drawHeadBytes(needed) { return false }
        if needed < 0 { registry.returnHeadBytes(-needed) }
        (held, drawn) = (bytes, drawn + needed)
        return true
    }

    /// Returns the memory: what it was for is complete, or its connection or stream has ended.
    mutating func release() {
        if drawn > 0 { registry.returnHeadBytes(drawn) }
        (held, drawn) = (0, 0)
    }
}
