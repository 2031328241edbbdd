/// Pays once for several pieces of work: the first to begin pays, the others wait for it.
actor Payment {
    private let pay: @Sendable () async throws -> Void
    private var task: Task<Void, any Error>?

    init(_ pay: @escaping @Sendable () async throws -> Void) {
        self.pay = pay
    }

    /// Whether paying has begun.
    var isSettled: Bool { task != nil }

    /// Pays, or waits for the payment in progress.
    /// - Throws: what paying throws, to every caller.
    func settle() async throws {
        let task = task ?? Task { [pay] in try await pay() }
        self.task = task
        try await task.value
    }
}
