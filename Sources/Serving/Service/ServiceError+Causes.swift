import ImageCodecs

extension ServiceError {
    /// The service's error for what a part of it threw. Any other error is a fault of the server.
    package init(_ error: any Error) {
        switch error {
        case let error as ServiceError: self = error
        case let error as ImageCodecError: self = .image(error)
        case is CancellationError: self = .cancelled
        case let error as SchedulerError: self.init(error)
        case let error as PoolError: self.init(error)
        case let error as MemoryBudgetError: self.init(error)
        case KeyStoreError.busy: self = .keyStoreBusy
        case KeyStoreError.full: self = .keyStoreFull
        default: self = .failed(String(describing: error))
        }
    }

    /// The error without the names of models that a caller may not use.
    package func visible(to grant: Grant) -> ServiceError {
        guard case .unknownModel(let id, let served) = self else { return self }
        return .unknownModel(id, served: served.filter(grant.allows))
    }

    private init(_ error: SchedulerError) {
        switch error {
        case .queueFull(let retryAfter): self = .overloaded(retryAfter: retryAfter)
        case .memoryExhausted(let retryAfter): self = .memoryExhausted(retryAfter: retryAfter)
        case .tooLarge(let bytes, let limit): self = .exceedsMemory(bytes: bytes, limit: limit)
        case .deadlineExceeded: self = .deadlineExceeded
        }
    }

    private init(_ error: MemoryBudgetError) {
        switch error {
        case .tooLarge(let bytes, let limit): self = .exceedsMemory(bytes: bytes, limit: limit)
        }
    }

    private init(_ error: PoolError) {
        switch error {
        case .unknownModel(let id, let served): self = .unknownModel(id, served: served)
        case .notReady: self = .notReady
        // How long a model takes to load is not known before it is loaded, and this refusal costs next to nothing.
        case .overloaded: self = .overloaded(retryAfter: 1)
        case .unusable(let id, let reason): self = .modelUnusable(id, reason: reason)
        }
    }
}
