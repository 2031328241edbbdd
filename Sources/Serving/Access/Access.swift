package import InstanceSegmentation

/// Who may use the server.
public enum Access: Sendable {
    /// All callers, with or without a key, within some scopes.
    case anyone(scopes: Set<APIKey.Scope>)
    /// Callers with a key of the store.
    case keys(KeyStore)

    /// All callers, for everything.
    public static let open = Access.anyone(scopes: APIKey.Scope.all)

    /// What a secret allows.
    /// - Throws: `ServiceError.unauthorized` where it is missing, unknown, revoked or expired; `ServiceError.keyStoreBusy`.
    package func grant(_ secret: String?) async throws -> Grant {
        switch self {
        case .anyone(let scopes): return Grant(keyID: nil, limits: APIKey.Limits(scopes: scopes))
        case .keys(let store):
            guard let secret, let key = try await answer(of: store, { try await $0.authenticate(secret) }) else {
                throw ServiceError.unauthorized
            }
            return Grant(keyID: key.id, limits: key.limits)
        }
    }

    /// The public id of a secret's key, if it worked recently; it may have been revoked since. For refusals, which need no proof.
    package func recentID(of secret: String) -> String? {
        guard case .keys(let store) = self else { return nil }
        return store.recentID(of: secret)
    }

    /// Counts predictions against the key's quota, if it has one: all of them or none.
    /// - Throws: `ServiceError.quotaUsedUp`, `ServiceError.keyStoreBusy`.
    package func consumeQuota(_ grant: Grant, count: Int = 1) async throws {
        guard case .keys(let store) = self, let id = grant.keyID, let quota = grant.limits.quota else { return }
        guard try await answer(of: store, { try await $0.consumeQuota(id: id, count: count) }) else {
            throw ServiceError.quotaUsedUp(quota)
        }
    }

    /// Gives back what a request consumed that was refused before any work. It does so even when the caller's task is canceled.
    ///
    /// While another process holds the key store it cannot be given back, and the caller is told its own error.
    package func refundQuota(_ grant: Grant, count: Int) async {
        guard case .keys(let store) = self, let id = grant.keyID, grant.limits.quota != nil else { return }
        _ = await Task { try await store.refundQuota(id: id, count: count) }.result
    }

    /// Whether requests need no key.
    package var isOpen: Bool { if case .anyone = self { true } else { false } }

    private func answer<Result>(
        of store: KeyStore, _ question: (KeyStore) async throws -> Result
    ) async throws -> Result {
        do {
            return try await question(store)
        } catch KeyStoreError.busy {
            throw ServiceError.keyStoreBusy
        }
    }
}

/// What the caller of a request may do.
package struct Grant: Sendable {
    /// The key's public id, for the log; `nil` on an open server.
    package let keyID: String?
    let limits: APIKey.Limits

    /// A grant for everything.
    package static let unlimited = Grant(keyID: nil, limits: APIKey.Limits(scopes: APIKey.Scope.all))

    /// Whether a model may be used and seen.
    package func allows(_ id: ModelID) -> Bool { limits.allows(id) }

    /// Whether a group of requests is permitted.
    package func allows(_ scope: APIKey.Scope) -> Bool { limits.scopes.contains(scope) }

    /// - Throws: `ServiceError.unauthorized` where the key is not for that model.
    package func require(_ id: ModelID) throws {
        guard allows(id) else { throw ServiceError.unauthorized }
    }

    /// - Throws: `ServiceError.missingScope` where none of the scopes is permitted.
    package func require(anyOf scopes: [APIKey.Scope]) throws {
        guard let first = scopes.first, !scopes.contains(where: allows) else { return }
        throw ServiceError.missingScope(first, hasKey: keyID != nil)
    }
}
