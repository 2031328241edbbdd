import Foundation
import Synchronization

/// The public ids of keys that worked when they were last presented, by the hashes of their secrets. It proves nothing, since a key may
/// have been revoked since; it only tells whose requests may be refused without asking the key store.
final class RecentKeys: Sendable {
    /// The number of keys that are remembered. When there are more, all are forgotten.
    static let maxCount = 1024

    private let ids = Mutex<[Data: String]>([:])

    /// The public id of a key, if it is remembered.
    subscript(hash: Data) -> String? { ids.withLock { $0[hash] } }

    /// Remembers what became of a key.
    /// - Parameter id: the public id of a key that works; nil forgets the key.
    func note(_ id: String?, for hash: Data) {
        ids.withLock { ids in
            if id != nil, ids[hash] == nil, ids.count >= Self.maxCount { ids.removeAll(keepingCapacity: true) }
            ids[hash] = id
        }
    }
}
