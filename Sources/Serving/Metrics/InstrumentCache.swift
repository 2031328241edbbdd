import Synchronization

/// Instruments by their labels, so that recording does not ask the factory every time.
struct InstrumentCache<Key: Hashable & Sendable, Instrument: Sendable>: ~Copyable, Sendable {
    /// Maximum number of instruments kept. Others are made for each use, and the factory decides what becomes of them.
    private let capacity: Int
    private let instruments = Mutex<[Key: Instrument]>([:])

    init(capacity: Int = 1_000) { self.capacity = capacity }

    /// Returns the instrument for these labels, made by `make` when they are seen first.
    ///
    /// Two callers at once may both make it; both get the one that is kept.
    func instrument(_ key: Key, make: () -> Instrument) -> Instrument {
        if let instrument = instruments.withLock({ $0[key] }) { return instrument }
        let made = make()
        return instruments.withLock { instruments in
            if let kept = instruments[key] { return kept }
            if instruments.count < capacity { instruments[key] = made }
            return made
        }
    }

    /// Removes the instrument for these labels, and returns it.
    func remove(_ key: Key) -> Instrument? { instruments.withLock { $0.removeValue(forKey: key) } }

    /// Removes all instruments, and returns them.
    func removeAll() -> [Instrument] {
        instruments.withLock { instruments in
            defer { instruments = [:] }
            return Array(instruments.values)
        }
    }
}
